// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { jigOf, movedTo, neighbour, startingPlaces, withHub } from '../src/parts/jig';

const at = (slot: string, line: number, place: number, hub = '') => ({ slot, line, place, hub });

describe('the jig', () => {
  it('keeps gaps, drops empty edges, frames hubs, puts the rest below', () => {
    const jig = jigOf(['1', '2', '3', '4'], [at('1', 2, 3, 'A'), at('2', 2, 5, 'A'), at('3', 4, 3, 'B'), at('gone', 0, 0)]);
    expect(jig).toMatchObject({ lines: 4, columns: 3 });
    expect(jig?.cells.get('2')).toEqual({ line: 0, place: 2 });
    expect(jig?.cells.get('3')).toEqual({ line: 2, place: 0 });
    expect(jig?.cells.get('4')).toEqual({ line: 3, place: 0 });
    expect(jig?.hubs).toEqual([{ hub: 'A', line: 0, place: 0, lines: 1, places: 3 }, { hub: 'B', line: 2, place: 0, lines: 1, places: 1 }]);
  });

  it('is none where nothing is placed', () => {
    expect(jigOf(['1'], [])).toBeNull();
    expect(jigOf(['1'], [at('gone', 0, 0)])).toBeNull();
  });

  it('arrows go over gaps and never off the jig', () => {
    const jig = jigOf(['1', '2', '3'], [at('1', 0, 0), at('2', 0, 2), at('3', 1, 2)]);
    if (!jig) throw new Error('no jig');
    expect(neighbour(jig, '1', 0, 1)).toBe('2');
    expect(neighbour(jig, '2', 1, 0)).toBe('3');
    expect(neighbour(jig, '1', 1, 0)).toBe('3');
    expect(neighbour(jig, '1', 0, -1)).toBeNull();
    expect(neighbour(jig, '3', -1, 0)).toBe('2');
  });

  it('a slot that is moved changes places with who stands there', () => {
    const all = [at('1', 0, 0), at('2', 0, 1)];
    expect(movedTo(all, '1', { line: 0, place: 1 })).toEqual([at('1', 0, 1), at('2', 0, 0)]);
    expect(movedTo(all, '1', { line: 3, place: 3 })).toEqual([at('1', 3, 3), at('2', 0, 1)]);
    expect(movedTo(all, '1', { line: -1, place: 0 })).toEqual(all);
    expect(movedTo(all, '1', { line: 0, place: 64 })).toEqual(all);
  });

  it('starts from what is there, or from a plain grid', () => {
    expect(startingPlaces(['1', '2', '3'], [], 2)).toEqual([at('1', 0, 0), at('2', 0, 1), at('3', 1, 0)]);
    expect(startingPlaces(['1', '2'], [at('1', 0, 1, 'A')], 2)).toEqual([at('1', 0, 0, 'A'), at('2', 1, 0)]);
    expect(withHub([at('1', 0, 0), at('2', 0, 1)], new Set(['2']), 'B')).toEqual([at('1', 0, 0), at('2', 0, 1, 'B')]);
  });
});
