// SPDX-License-Identifier: Apache-2.0
// The shifts of the mock server: early, late and night by this host's clock.
import { numbers } from './numbers.mjs';

const starts = [['early', 6], ['late', 14], ['night', 22]];

export function shifts() {
  const now = new Date();
  const recent = [];
  for (let back = 0; back < 4; back += 1) {
    for (const [shift, hour] of starts) {
      const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - back, hour);
      const day = `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;
      if (at <= now) recent.push({ shift, day, since: at.getTime(), until: at.getTime() + 8 * 3_600_000 });
    }
  }
  recent.sort((a, b) => b.since - a.since);
  return { shifts: starts.map(([name, hour]) => ({ name, start: `${String(hour).padStart(2, '0')}:00`, minutes: 480, days: [0, 1, 2, 3, 4, 5, 6] })), recent: recent.slice(0, 9) };
}

export function wallNumbers() {
  const [{ shift, since, until }] = shifts().recent;
  const { sums, hours } = numbers(new URLSearchParams({ since: String(since), until: String(until) }));
  return { shift, since, until, sums, hours };
}
