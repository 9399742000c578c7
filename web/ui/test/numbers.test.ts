// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { barsOf, bottleneck, hourMs, takt, wilson, windowOf } from '../src/parts/numbers_model';
import { numbers as invented } from '../mock/numbers.mjs';
import type { Numbers } from '../src/api/types';

const made = (since: number, until: number): Numbers => invented(new URLSearchParams({ since: String(since), until: String(until) })) as Numbers;

describe('numbers', () => {
  it('a stretch ends with the hour under way', () => {
    const now = new Date(2026, 10, 20, 10, 42).getTime();
    const { since, until } = windowOf('8h', now);
    expect(new Date(until).getHours()).toBe(11);
    expect(until - since).toBe(8 * hourMs);
    expect(windowOf('7d', now)).toEqual({ since: new Date(2026, 10, 14).getTime(), until: new Date(2026, 10, 21).getTime() });
  });

  it('intervals are those of Wilson', () => {
    const { low, high } = wilson(50, 54);
    expect(low).toBeCloseTo(0.8245, 3);
    expect(high).toBeCloseTo(0.9708, 3);
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
    expect(wilson(10, 10).high).toBeCloseTo(1, 9);
    expect(wilson(10, 10).low).toBeLessThan(0.73);
  });

  it('hours add up to days of the calendar', () => {
    const from = new Date(2026, 10, 14).getTime();
    const hours = Array.from({ length: 48 }, (_, i) => ({ at: from + i * hourMs, made: 1, first_judged: 2, first_passed: 1 }));
    const day = { made: 24, firstJudged: 48, firstPassed: 24 };
    expect(barsOf(hours, true)).toEqual([{ at: from, ...day }, { at: new Date(2026, 10, 15).getTime(), ...day }]);
    expect(barsOf(hours, false)).toHaveLength(48);
  });

  it('takt is of the time at work; a bottleneck stands out or is none', () => {
    const numbers = made(0, 8 * hourMs);
    expect(takt({ made: 14, at_work_s: 140 })).toBe(10);
    expect(takt({ made: 1, at_work_s: 140 })).toBeNull();
    expect(bottleneck(numbers.times)?.word).toBe('Flashing');
    const even = numbers.times.steps.map((step) => ({ ...step, median_s: 50 }));
    expect(bottleneck({ ...numbers.times, steps: even })).toBeNull();
  });
});

it('a shift is as the station says it; until it does, the last eight hours', () => {
  const recent = [{ shift: 'night', day: '2026-11-28', since: 50, until: 90 }, { shift: 'late', day: '2026-11-28', since: 10, until: 50 }];
  expect(windowOf('shift', 60, recent)).toEqual({ since: 50, until: 90 });
  expect(windowOf('last', 60, recent)).toEqual({ since: 10, until: 50 });
  expect(windowOf('shift', 60)).toEqual(windowOf('8h', 60));
});
