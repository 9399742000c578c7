// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { findBack, findOn, searchBytes, type Search } from '../src/parts/log_search';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

// Some 5 MB: its first line, one in the middle that begins in one piece and ends in the next, a line longer than a piece, its last line.
const filler = `${'x'.repeat(60)}\n`;
const parts = ['needle first\n', filler.repeat(30_000), `${'y'.repeat(2 * searchBytes)} in a long Needle\n`, filler.repeat(20_000), 'last \u001b[31mnee\u001b[0mdle'];
const log = bytes(parts.join(''));
const startOf = (part: number): number => bytes(parts.slice(0, part).join('')).length;

function search(what: string, read = 0): Search & { reads: () => number; stop: () => void } {
  const abort = new AbortController();
  let reads = read;
  return {
    read: (from, max) => { reads += 1; return Promise.resolve(log.slice(from, from + max)); },
    what, at: () => undefined, signal: abort.signal, reads: () => reads, stop: () => abort.abort(),
  };
}

describe('search in all of a log', () => {
  it('finds the last one before a place, then those before it', async () => {
    expect(await findBack(search('needle'), log.length)).toBe(startOf(4));
    expect(await findBack(search('needle'), startOf(2))).toBe(0);
    expect(await findBack(search('nowhere'), log.length)).toBe(-1);
    expect(await findBack(search('needle'), 0)).toBe(-1);
  });

  it('finds the first one from a place on', async () => {
    expect(await findOn(search('NEEDLE'), 0, log.length)).toBe(0);
    expect(await findOn(search('needle'), startOf(4), log.length)).toBe(startOf(4));
    expect(await findOn(search('nowhere'), 0, log.length)).toBe(-1);
  });

  it('goes on where a line is longer than a piece, and reads each piece once', async () => {
    const one = search('nowhere');
    await findBack(one, log.length);
    const two = search('nowhere');
    await findOn(two, 0, log.length);
    for (const each of [one, two]) expect(each.reads()).toBeLessThan(log.length / searchBytes + 6);
  });

  it('finds lines at every distance from the edge of a piece', async () => {
    for (const off of [-40, -12, -1, 0, 1, 12]) {
      const text = `${'z'.repeat(searchBytes + off - 1)}\nfind me here\nrest\n`;
      const read = (from: number, max: number): Promise<Uint8Array> => Promise.resolve(bytes(text).slice(from, from + max));
      const at = searchBytes + off;
      const how = { ...search('find me'), read };
      expect(await findOn(how, 0, text.length)).toBe(at);
      expect(await findBack(how, text.length)).toBe(at);
    }
  });

  it('ends when it is given up', async () => {
    const one = search('nowhere');
    one.stop();
    expect(await findBack(one, log.length)).toBe(-1);
    expect(one.reads()).toBe(0);
  });
});
