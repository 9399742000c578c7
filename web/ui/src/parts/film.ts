// SPDX-License-Identifier: Apache-2.0
// A job on record as frames of its tile: lines of JSON, each with what changed. Pure, so that it is tested without a page.
import type { Tile } from '../api/types';
import type { Film, FilmFrame, FilmHead } from '../api/types_technician';

type Members = Partial<Record<string, unknown>>;

// `say` puts the station's words into the language of the page.
export function filmOf(text: string, say: (members: Members) => Members = (members) => members): Film | null {
  let head: FilmHead | null = null;
  let whole = false;
  let tile: Members = {};
  const frames: FilmFrame[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const read = JSON.parse(line) as Members;
    if (head === null) {
      head = read as unknown as FilmHead;
    } else if (read.end === true) {
      whole = true;
    } else {
      tile = { ...tile, ...say(read.set as Members) };
      const at = Number(read.at);
      const frame = { at, tile: tile as unknown as Tile };
      if (frames.at(-1)?.at === at) frames.pop(); // the later word of one moment
      frames.push(frame);
    }
  }
  return head === null || frames.length === 0 ? null : { head, frames, whole };
}

// The frame that stands at that moment.
export function frameAt(frames: readonly FilmFrame[], at: number): FilmFrame | undefined {
  let low = 0;
  let high = frames.length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((frames[middle]?.at ?? 0) <= at) low = middle;
    else high = middle;
  }
  return frames[low];
}

export const speeds = [1, 5, 10, 30, 60] as const;

// "1:05:09", "5:09"
export function filmTime(ms: number): string {
  const s = Math.floor(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(s % 60)}`;
}
