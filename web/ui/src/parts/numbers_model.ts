// SPDX-License-Identifier: Apache-2.0
// The arithmetic of the numbers page: stretches of time, intervals, what one sentence may say.
import type { Numbers, ShiftStretch } from '../api/types';

export const hourMs = 3_600_000;

export const stretches = ['shift', 'last', '8h', '24h', '7d'] as const;
export type Stretch = (typeof stretches)[number];

// Full hours as the clock on the wall shows them, the one under way included; of a week full days. A shift, the one under way or the
// one before, is as the station says; while that is not known, the last hours stand in.
export function windowOf(stretch: Stretch, nowMs: number, recent: readonly ShiftStretch[] = []): { since: number; until: number } {
  const shift = stretch === 'shift' ? recent[0] : stretch === 'last' ? recent[1] : undefined;
  if (shift !== undefined) return { since: shift.since, until: shift.until };
  const at = new Date(nowMs);
  if (stretch === '7d') {
    const day = (days: number): number => new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime();
    return { since: day(-6), until: day(1) };
  }
  at.setMinutes(0, 0, 0);
  const until = at.getTime() + hourMs;
  return { since: until - (stretch === '24h' ? 24 : 8) * hourMs, until };
}

// 95 % interval of a share (Wilson), 0 to 1.
export function wilson(hits: number, of: number): { low: number; high: number } {
  if (of === 0) return { low: 0, high: 1 };
  const z = 1.959964;
  const p = hits / of;
  const middle = (p + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z / (1 + (z * z) / of)) * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

// Bars of more than a day are days, so that they stay readable.
export interface Bar {
  at: number;
  made: number;
  firstJudged: number;
  firstPassed: number;
}
export function barsOf(hours: Numbers['hours'], days: boolean): Bar[] {
  const bars: Bar[] = [];
  let open = '';
  for (const hour of hours) {
    const key = days ? new Date(hour.at).toDateString() : String(hour.at);
    if (key !== open) bars.push({ at: hour.at, made: 0, firstJudged: 0, firstPassed: 0 });
    open = key;
    const bar = bars.at(-1);
    if (!bar) continue;
    bar.made += hour.made;
    bar.firstJudged += hour.first_judged;
    bar.firstPassed += hour.first_passed;
  }
  return bars;
}

// Seconds from one unit made to the next while the line is at work; null with fewer than two.
export function takt({ made, at_work_s: atWork }: Pick<Numbers['sums'], 'made' | 'at_work_s'>): number | null {
  return made < 2 || atWork === 0 ? null : atWork / made;
}

// The step a unit spends most time in, if it is at least twice the next.
export function bottleneck(times: Numbers['times']): { word: string; share: number } | null {
  const sorted = [...times.steps].sort((a, b) => b.median_s - a.median_s);
  const [worst, next] = sorted;
  const sum = sorted.reduce((all, one) => all + one.median_s, 0);
  if (!worst || worst.n < 5 || sum === 0 || worst.median_s < 2 * (next?.median_s ?? 0)) return null;
  return { word: worst.word, share: worst.median_s / sum };
}
