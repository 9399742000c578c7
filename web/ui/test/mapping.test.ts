// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { PortUnit } from '../src/api/types_slots';
import { back, begin, look, namesOf, placeOf, review, spare, step, wanted, type Draft } from '../src/parts/mapping';

const path = (chain: string): string => `pci-0000:00:14.0-usb-0:${chain}`;
const unit = (chain: string, number = 1, model: string | null = 'Xavier NX'): PortUnit =>
  ({ port: path(chain), id: '0955:7e19', model, slot: null, peer: null, number, since: 0 });
const mapped = (draft: Draft, units: readonly PortUnit[]): Draft => {
  const seen = look(draft, units);
  if (seen.kind !== 'found') throw new Error(seen.kind);
  return step(draft, { port: seen.unit.port, peer: seen.unit.peer }, units);
};

describe('the names of slots', () => {
  it.each([['1 2, 3', ['1', '2', '3']], ['1-3', ['1', '2', '3']], ['A1-A3 B7', ['A1', 'A2', 'A3', 'B7']]])('%s', (text, names) => {
    expect(namesOf(text)).toEqual(names);
  });
  it.each(['', '1 1', '3-1', 'a b c d$', 'x'.repeat(17), '1-999'])('%s is refused', (text) => expect(namesOf(text)).toBeNull());
});

describe('mapping', () => {
  it('takes one unit after the other, left in or moved on', () => {
    let draft = begin(['1', '2', '3'], [unit('9')]);
    expect(look(draft, [unit('9')])).toEqual({ kind: 'wait' });
    draft = mapped(draft, [unit('9'), unit('5.1', 2)]);
    draft = mapped(draft, [unit('9'), unit('5.1', 2), unit('5.2', 3)]);
    draft = mapped(draft, [unit('9'), unit('5.3', 4)]); // the one unit is carried along
    expect(draft.at).toBe(3);
    expect(wanted(draft)).toEqual([{ slot: '1', port: path('5.1') }, { slot: '2', port: path('5.2') }, { slot: '3', port: path('5.3') }]);
    expect(spare(draft, [unit('9'), unit('5.3', 4)]).map((one) => one.port)).toEqual([path('9')]);
  });

  it('refuses a port that is mapped, two units at once, and what is not in recovery mode', () => {
    let draft = mapped(begin(['1', '2'], []), [unit('5.1', 2)]);
    expect(look(draft, [unit('5.1', 2)])).toEqual({ kind: 'wait' });
    expect(look(draft, [unit('5.1', 3)])).toMatchObject({ kind: 'taken', slot: '1' });
    expect(look(draft, [unit('5.1', 2), unit('5.2', 3), unit('5.3', 4)])).toMatchObject({ kind: 'several' });
    expect(look(draft, [unit('5.2', 3, null)])).toMatchObject({ kind: 'other' });
    draft = { ...begin(['1', '2'], []), at: 1, found: { 1: { port: path('5.1'), peer: path('9.1') } } };
    expect(look(draft, [unit('9.1', 5)])).toMatchObject({ kind: 'found' });    // another socket, whose USB 2 half reads like that USB 3 half
  });

  it('goes back, leaves a slot out, and tells what is different', () => {
    const units = [unit('5.1', 2)];
    let draft = mapped(begin(['1', '2'], []), units);
    draft = back(draft, units);
    expect(draft).toMatchObject({ at: 0, found: {} });
    expect(look(draft, [unit('5.1', 3)])).toMatchObject({ kind: 'found' });
    draft = step(mapped(draft, [unit('5.4', 3)]), null, units);
    const slots = [['1', '5.1'], ['2', '5.2'], ['7', '5.7']].map(([slot, chain]) => ({ slot: slot ?? '', port: path(chain ?? ''), peer: null, at: null, by: null }));
    expect(review(draft, slots)).toEqual([
      { slot: '1', was: path('5.1'), now: path('5.4'), change: 'moved' },
      { slot: '2', was: path('5.2'), now: null, change: 'gone' }, { slot: '7', was: path('5.7'), now: null, change: 'gone' },
    ]);
    expect(wanted(draft)).toHaveLength(1);
  });

  it('names hubs by letters and ports by their numbers', () => {
    const all = [path('5.1'), path('10.2'), path('3')];
    expect(placeOf(path('5.1'), all)).toEqual({ hub: 'A', number: '1' });
    expect(placeOf(path('10.2'), all)).toEqual({ hub: 'B', number: '2' });
    expect(placeOf(path('3'), all)).toEqual({ hub: null, number: '3' });
  });
});
