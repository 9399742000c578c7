// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { filmOf, filmTime, frameAt } from '../src/parts/film';
import { linesOfDiff, rangeOf } from '../src/parts/recipe_text';

describe('a film', () => {
  const text = [
    { job: 7, length_ms: 900, steps: [] }, { at: 0, set: { state: 'waiting', word: 'Waiting', percent: null } }, { at: 0, set: { state: 'preparing' } },
    { at: 500, set: { state: 'flashing', percent: 4 } }, { at: 900, set: { percent: 9 } },
  ].map((line) => `${JSON.stringify(line)}\n`).join('\n'); // an empty line says nothing
  it('is whole tiles by time, the later word of a moment holds, and a broken end is known', () => {
    const film = filmOf(text);
    expect(film?.frames.map(({ at, tile }) => [at, tile.state, tile.percent])).toEqual([[0, 'preparing', null], [500, 'flashing', 4], [900, 'flashing', 9]]);
    expect(film?.frames[2]?.tile.word).toBe('Waiting');
    expect(film?.whole).toBe(false);
    expect(filmOf(`${text}{"end":true,"frames":4}\n`)?.whole).toBe(true);
    expect(filmOf('')).toBeNull();
    expect(filmOf(text, (set) => ({ ...set, word: 'Wartet' }))?.frames[0]?.tile.word).toBe('Wartet');
  });
  it('has the frame that stands at each moment', () => {
    const frames = filmOf(text)?.frames ?? [];
    expect([-5, 0, 499, 500, 899, 900, 5000].map((at) => frameAt(frames, at)?.at)).toEqual([0, 0, 0, 500, 500, 900, 900]);
    expect(frameAt([], 3)).toBeUndefined();
    expect([0, 59_999, 309_000, 3_909_000].map(filmTime)).toEqual(['0:00', '0:59', '5:09', '1:05:09']);
  });
});

describe('a recipe text', () => {
  const text = 'id = "a"\nname = "äö𝕏"  # x\nlist = [1, 22]\n[[recipe.step]]\n';
  const at = (line: number, column: number): string => {
    const { from, to } = rangeOf(text, line, column);
    return text.slice(from, to);
  };
  it('is marked where the station complains, in characters', () => {
    expect(at(1, 6)).toBe('"a"');
    expect(at(2, 8)).toBe('"äö𝕏"');
    expect(at(2, 15)).toBe('#');
    expect(at(3, 12)).toBe('22');
    expect(at(4, 1)).toBe('[[recipe.step]]');
    expect(rangeOf(text, 99, 1)).toEqual({ from: text.length, to: text.length });
  });
  it('shows what changes with three lines around it, and nothing else', () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`).join('\n');
    const diff = linesOfDiff(before, before.replace('line 10', 'line ten'));
    expect(diff.filter(({ kind }) => kind !== 'same')).toEqual([
      { kind: 'cut', text: '6', line: null }, { kind: 'gone', text: 'line 10', line: null }, { kind: 'new', text: 'line ten', line: 10 }, { kind: 'cut', text: '7', line: null },
    ]);
    expect(linesOfDiff('a\n', 'a\nb\n').filter(({ kind }) => kind === 'new')).toEqual([{ kind: 'new', text: 'b', line: 2 }]);
  });
});
