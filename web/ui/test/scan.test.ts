// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { longest, paceMs, ScanReader } from '../src/live/scan_reader';

// Feeds keys at a pace; gives the codes read and the keys that were left to others.
function feed(keys: readonly string[], every = 8, reader = new ScanReader({ prefix: 'F9', end: 'Enter' }), from = 1000): { codes: string[]; left: string[] } {
  const codes: string[] = [];
  const left: string[] = [];
  keys.forEach((key, i) => {
    const { taken, code } = reader.feed(key, from + i * every);
    if (code !== null) codes.push(code);
    if (!taken) left.push(key);
  });
  return { codes, left };
}

describe('a scan', () => {
  it('is what stands between its first and its last key, and nobody else sees it', () => {
    expect(feed(['F9', ...'RC26-04127', 'Enter'])).toEqual({ codes: ['RC26-04127'], left: [] });
    expect(feed(['F9', 'Shift', 'R', 'Shift', 'C', '1', ' ', 'Enter', 'F9', 'A', 'Enter'])).toEqual({ codes: ['RC1', 'A'], left: [] });
  });
  it('is not what a person types', () => {
    expect(feed(['a', 'b', 'Enter'])).toEqual({ codes: [], left: ['a', 'b', 'Enter'] });
    expect(feed(['F9', 'a', 'b', 'Enter'], paceMs + 1)).toEqual({ codes: [], left: ['a', 'b', 'Enter'] });
  });
  it('that was cut off is dropped, and does not swallow what follows', () => {
    const reader = new ScanReader({ prefix: 'F9', end: 'Enter' });
    expect(feed(['F9', 'R', 'C'], 8, reader)).toEqual({ codes: [], left: [] });
    expect(feed(['x', 'Enter'], 8, reader, 2000)).toEqual({ codes: [], left: ['x', 'Enter'] });
    expect(feed(['F9', 'R', 'F9', 'B', 'Enter'], 8, reader, 3000)).toEqual({ codes: ['B'], left: [] });
  });
  it('may be held up by a busy screen once its pace was seen', () => {
    const reader = new ScanReader({ prefix: 'F9', end: 'Enter' });
    expect(feed(['F9', ...'LSB1:A'], 10, reader)).toEqual({ codes: [], left: [] });
    expect(feed([...'BCDEF', 'Enter'], 10, reader, 1070 + 300)).toEqual({ codes: ['LSB1:ABCDEF'], left: [] });
  });
  it('is bounded, and may be empty', () => {
    expect(feed(['F9', ...'x'.repeat(1000), 'Enter']).codes[0]).toHaveLength(longest);
    expect(feed(['F9', 'Enter'])).toEqual({ codes: [], left: [] });
  });
});
