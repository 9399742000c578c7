// SPDX-License-Identifier: Apache-2.0
// Search in all of a log, however long: piece by piece past the window, and nothing of them is kept. Pure but for `read`;
// test/log_search.test.ts.
import { shownText, withoutColours } from './log_model';

export interface Search {
  read: (from: number, max: number) => Promise<Uint8Array>;
  what: string;
  at: (position: number) => void; // how far it is
  signal: AbortSignal;
}

export const searchBytes = 1024 * 1024; // what the station gives at once

// Position of the first or last line among `bytes` that shows `what`; -1: none. Whole lines, but the last one may have no end yet.
function hitIn(bytes: Uint8Array, from: number, what: string, last: boolean): number {
  const needle = what.toLowerCase();
  if (!withoutColours(bytes).toLowerCase().includes(needle)) return -1;
  let found = -1;
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const to = end === -1 ? bytes.length : end;
    if (shownText(bytes.subarray(at, to)).toLowerCase().includes(needle)) {
      found = from + at;
      if (!last) return found;
    }
    at = to + 1;
  }
  return found;
}

// The last line before `end`, where a line begins, that shows it.
export async function findBack({ read, what, at, signal }: Search, end: number): Promise<number> {
  let before = end;
  while (before > 0 && !signal.aborted) {
    at(before);
    const from = Math.max(0, before - searchBytes);
    const bytes = await read(from, before - from);
    // The line that begins before this piece is looked at with the piece before, unless it is longer than one.
    const cut = from === 0 ? 0 : bytes.indexOf(10) + 1;
    const whole = cut === bytes.length ? 0 : cut;
    const hit = hitIn(bytes.subarray(whole), from + whole, what, true);
    if (hit !== -1) return hit;
    before = from + whole;
  }
  return -1;
}

// The first line from `begin`, where a line begins, that shows it.
export async function findOn({ read, what, at, signal }: Search, begin: number, size: number): Promise<number> {
  let from = begin;
  while (from < size && !signal.aborted) {
    at(from);
    const bytes = await read(from, Math.min(searchBytes, size - from));
    if (bytes.length === 0) return -1;
    const end = bytes.lastIndexOf(10) + 1;
    const whole = end === 0 || from + bytes.length >= size ? bytes.length : end;
    const hit = hitIn(bytes.subarray(0, whole), from, what, false);
    if (hit !== -1) return hit;
    from += whole;
  }
  return -1;
}
