// SPDX-License-Identifier: Apache-2.0
// Invented numbers of the mock server: an early shift with a slot whose cable is bad and a slow link.
const hourMs = 3_600_000;

export function numbers(query) {
  const since = Number(query.get('since'));
  const until = Number(query.get('until'));
  const made = [52, 70, 72, 68, 50];
  const first = [[50, 54], [70, 73], [73, 74], [68, 71], [48, 50]];
  const count = Math.round((until - since) / hourMs);
  const at = (i) => i - (count - made.length);
  const hours = Array.from({ length: count }, (_, i) => ({ at: since + i * hourMs, made: made[at(i)] ?? 0, first_judged: first[at(i)]?.[1] ?? 0, first_passed: first[at(i)]?.[0] ?? 0 }));
  const fails = [['boot.none', 'F12', 'Did not start', 5], ['image.mismatch', 'F01', 'What is on the unit is not the image', 3], ['ssh.refused', 'F03', 'Unit started but lets nobody log in', 2]];
  const problems = [['usb.left', 'E01', 'Unit left while it was worked on', 9], ['tool.silence', 'E05', 'Flash tool went silent', 5]];
  const code = (outcome) => ([name, display_code, sentence, cases]) => ({ outcome, code: name, display_code, sentence, cases, follows: name === 'usb.left' ? { what: 'slot', slot: '7', cases: 6, units: 6, passed_elsewhere: 4 } : name === 'boot.none' ? { what: 'unit', units: 2, slots: 5 } : null });
  const bin_s = 10;
  const bell = (middle, wide, n, more = []) => {
    const bins = Array.from({ length: 61 }, (_, i) => Math.round(n * Math.exp(-(((i + 0.5) * bin_s - middle) ** 2) / (2 * wide * wide))));
    more.forEach(([place, height]) => { bins[place] += height; });
    return bins;
  };
  const step = (name, word, median_s, p90_s, wide, more) => ({ name, word, n: 312, median_s, p90_s, bins: bell(median_s, wide, 60, more) });
  return {
    since, until,
    sums: { made: 312, attempts: 347, at_work_s: 15_600, outcomes: { PASS: 315, FAIL: 10, ERROR: 14, ABORTED: 8 }, first_judged: 322, first_passed: 309, failed_units: 13, passed_after_fail: 3 },
    hours, codes: [...fails.map(code('FAIL')), ...problems.map(code('ERROR'))].sort((a, b) => b.cases - a.cases),
    slots: Array.from({ length: 16 }, (_, i) => ({ slot: String(i + 1), attempts: 22 - (i % 3), failed: [0, 0, 1, 0, 1][i % 5], problems: i === 6 ? 6 : i % 7 === 3 ? 1 : 0, beyond_chance: i === 6 })),
    times: { timed: 312, bin_s, steps: [step('rcm', 'Starting flasher', 21, 28, 8), step('flash', 'Flashing', 402, 502, 18, [[48, 6], [49, 9], [50, 11], [51, 8], [52, 5]]), step('prove-image', 'Checking image', 92, 101, 12), step('set-serial', 'Writing serial', 50, 63, 11), step('reboot-and-wait', 'Restarting', 52, 70, 12), step('test', 'Testing', 31, 37, 8)] },
  };
}
