// SPDX-License-Identifier: Apache-2.0
// The port-mapping wizard's arithmetic: what a newly plugged unit means for the slot that is asked for. Pure; test/mapping.test.ts.
import type { PortUnit, SlotPort } from '../api/types_slots';

export interface Socket { port: string; peer: string | null }
export interface Draft {
  names: readonly string[];
  at: number;                                          // whose turn it is; names.length: the review
  found: Readonly<Record<string, Socket | null>>;      // null: the slot has no socket
  before: readonly string[];                           // what was plugged in when this step began
}

const mark = (unit: PortUnit): string => `${unit.port} ${unit.number}`;
export const marks = (units: readonly PortUnit[]): string[] => units.map(mark);

// "1 2 3", "1, 2, 3", "1-8", "A1-A8": each name once, as the station takes them; nothing where one is not a name.
export function namesOf(text: string): string[] | null {
  const names = text.split(/[\s,;]+/).filter((one) => one !== '').flatMap((one) => {
    const range = /^([A-Za-z._]*)(\d{1,3})-\1(\d{1,3})$/.exec(one);
    if (range === null) return [one];
    const [from, to] = [Number(range[2]), Number(range[3])];
    if (to < from || to - from > 255) return ['?'];
    return Array.from({ length: to - from + 1 }, (_, i) => `${range[1] ?? ''}${from + i}`);
  });
  const good = names.length > 0 && names.length <= 256 && names.every((one) => /^[\w.-]{1,16}$/.test(one)) && new Set(names).size === names.length;
  return good ? names : null;
}

export const begin = (names: readonly string[], units: readonly PortUnit[]): Draft => ({ names, at: 0, found: {}, before: marks(units) });

export type Seen =
  | { kind: 'wait' }
  | { kind: 'several'; units: PortUnit[] }
  | { kind: 'other'; unit: PortUnit }             // not in recovery mode
  | { kind: 'taken'; unit: PortUnit; slot: string }
  | { kind: 'found'; unit: PortUnit };

export function look(draft: Draft, units: readonly PortUnit[]): Seen {
  const fresh = units.filter((unit) => !draft.before.includes(mark(unit)));
  const unit = fresh[0];
  if (unit === undefined) return { kind: 'wait' };
  if (fresh.length > 1) return { kind: 'several', units: fresh };
  // By the ports alone, which are USB 2 halves: the path of another socket's USB 3 half may well read the same.
  const slot = Object.keys(draft.found).find((name) => name !== draft.names[draft.at] && draft.found[name]?.port === unit.port);
  if (slot !== undefined) return { kind: 'taken', unit, slot };
  return unit.model === null ? { kind: 'other', unit } : { kind: 'found', unit };
}

// Plugged in from before, at a port that no slot has so far.
export const spare = (draft: Draft, units: readonly PortUnit[]): PortUnit[] =>
  units.filter((unit) => draft.before.includes(mark(unit)) && !Object.values(draft.found).some((one) => one?.port === unit.port));

export function step(draft: Draft, socket: Socket | null, units: readonly PortUnit[]): Draft {
  const name = draft.names[draft.at];
  if (name === undefined) return draft;
  return { ...draft, found: { ...draft.found, [name]: socket }, at: draft.at + 1, before: marks(units) };
}

export function back(draft: Draft, units: readonly PortUnit[]): Draft {
  const at = Math.max(0, draft.at - 1);
  const name = draft.names[at] ?? '';
  return { ...draft, at, found: Object.fromEntries(Object.entries(draft.found).filter(([one]) => one !== name)), before: marks(units) };
}

export type Change = 'same' | 'new' | 'moved' | 'gone';
export interface ReviewRow { slot: string; was: string | null; now: string | null; change: Change }

export function review(draft: Draft, slots: readonly SlotPort[]): ReviewRow[] {
  const was = new Map(slots.map((one) => [one.slot, one.port]));
  const rows = [...new Set([...draft.names, ...was.keys()])].map((slot) => {
    const before = was.get(slot) ?? null;
    const now = draft.found[slot]?.port ?? null;
    const change: Change = before === now ? 'same' : before === null ? 'new' : now === null ? 'gone' : 'moved';
    return { slot, was: before, now, change };
  });
  return rows.filter((row) => row.was !== null || row.now !== null);
}

export const wanted = (draft: Draft): { slot: string; port: string; peer?: string }[] =>
  draft.names.flatMap((slot) => {
    const one = draft.found[slot];
    return one === null || one === undefined ? [] : [{ slot, port: one.port, ...(one.peer === null ? {} : { peer: one.peer }) }];
  });

// What a person calls a port: the hub by a letter, in the order of the paths, and the number on it; null: a port of the host.
export function placeOf(port: string, all: readonly string[]): { hub: string | null; number: string } {
  const parent = (one: string): string => (one.slice(one.lastIndexOf(':')).includes('.') ? one.slice(0, one.lastIndexOf('.')) : '');
  const hubs = [...new Set([...all, port].map(parent))].filter((one) => one !== '').sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const hub = parent(port);
  const letter = hubs.indexOf(hub);
  const name = letter < 26 ? String.fromCharCode(65 + letter) : String(letter + 1);
  return { hub: hub === '' ? null : name, number: /(\d+)$/.exec(port)?.[1] ?? '' };
}
