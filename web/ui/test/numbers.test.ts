// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { barsOf, bottleneck, hourMs, takt, wilson, windowOf } from '../src/parts/numbers_model';
import { numbers as invented } from '../mock/numbers.mjs';
import { hubHealth, hubOf } from '../src/parts/hub_health';
import type { SlotHealthRow } from '../src/api/types_slots';
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

describe('hubs', () => {
  const row = (slot: string, attempts: number, failed: number, problems = 0): SlotHealthRow =>
    ({ slot, attempts, failed, problems, beyond_chance: false, faults: [], closed: null, closings: [] });
  const rows = [row('1', 10, 1, 3), row('2', 10, 0, 4), row('3', 10, 0, 4), row('4', 40, 1), row('5', 40, 0, 1), row('6', 9, 9)];
  const hubs: Readonly<Record<string, string>> = { 1: 'A', 2: 'A', 3: 'A', 4: 'B', 5: 'B', 6: '' };

  it('add their slots up, and stand out where no slot does', () => {
    expect(hubHealth(rows, (slot) => hubs[slot] ?? '')).toEqual([
      { hub: 'A', slots: ['1', '2', '3'], attempts: 30, failed: 1, problems: 11, beyond: true },
      { hub: 'B', slots: ['4', '5'], attempts: 80, failed: 1, problems: 1, beyond: false },
    ]);
    expect(hubHealth(rows.slice(0, 3), () => 'A')[0]?.beyond).toBe(false); // with nothing to compare it to
  });

  it('are named as they were laid out, else by a letter', () => {
    const ports = ['pci-0000:00:14.0-usb-0:1.1', 'pci-0000:00:14.0-usb-0:2.1', 'pci-0000:00:14.0-usb-0:3'];
    const name = (slot: string, port?: string): string => hubOf(slot, port, ports, [{ slot: '1', line: 0, place: 0, hub: 'Left' }], (letter) => `Hub ${letter}`);
    expect([name('1', ports[0]), name('2', ports[1]), name('3', ports[2]), name('4')]).toEqual(['Left', 'Hub B', '', '']);
  });
});
