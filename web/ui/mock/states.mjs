// SPDX-License-Identifier: Apache-2.0
// Invented walls for the mock server: every state of a tile, and the walls of the art direction (16 mixed, 8, 32, 64).
// Figures agree with those pictures (312 made, 204 left, 10:42). For development and tests of the page only.

const base = {
  mapped: true, present: true, outcome: null, code: null, display_code: null, fact: null, reason: null, note: null,
  action: null, action_icon: null, button: null, press: null, percent: null, stage: 1, time_left_s: null,
  time_form: null, step: 0, serial: null, attempt: 1, model: 'Xavier NX', ack: 'none', retry: false,
  ticks: { image: false, serial: false, saved: false }, chip_check: null, position_in_line: null, power_switch: true,
};
const proven = { image: true, serial: true, saved: true };

const kinds = {
  empty: { state: 'empty', word: 'Empty', short: 'Empty', icon: 'plug', tone: 'sunken', reason: 'Plug in a unit', present: false },
  skipped: { state: 'skipped', word: 'Skipped', short: 'Skipped', icon: 'slash', tone: 'sunken', reason: 'Port not enabled', present: false },
  unmapped: { state: 'unmapped', word: 'No slot', short: 'No slot', icon: 'question', tone: 'sunken', reason: 'A unit is at a port without a slot', action: 'Call technician', action_icon: 'phone', mapped: false },
  found: { state: 'found', word: 'Found', short: 'Found', icon: 'dot', tone: 'work', reason: 'Xavier NX, checking', step: 1 },
  waiting: { state: 'waiting', word: 'Waiting', short: 'Waiting', icon: 'clock', tone: 'work', fact: '3rd in line', reason: 'USB port carries 8 best', position_in_line: 3, time_left_s: 130, time_form: 'in', step: 1 },
  noOrder: { state: 'waiting', word: 'Waiting', short: 'Waiting', icon: 'clock', tone: 'work', reason: 'No order is open for Xavier NX', step: 1 },
  preparing: { state: 'preparing', word: 'Starting flasher', short: 'Start', icon: 'power', tone: 'work', percent: 38, time_left_s: 15, time_form: 'left', step: 1 },
  flashing: { state: 'flashing', word: 'Flashing', short: 'Flash', icon: 'flash', tone: 'work', percent: 47, time_left_s: 312, time_form: 'left', step: 2, chip_check: 'before_write' },
  restarting: { state: 'restarting', word: 'Restarting', short: 'Restarting', icon: 'restart', tone: 'frame-amber-dashed', action: 'Leave plugged in', action_icon: 'hand-off', time_left_s: 96, time_form: 'within', step: 2, present: false, chip_check: 'before_write' },
  verifying: { state: 'verifying', word: 'Checking image', short: 'Check', icon: 'check', tone: 'work', percent: 82, time_left_s: 50, time_form: 'left', step: 3, chip_check: 'before_write' },
  personalising: { state: 'personalising', word: 'Writing serial', short: 'Serial', icon: 'tag', tone: 'work', serial: 'RC26-04133', percent: 64, step: 4, chip_check: 'before_write' },
  testing: { state: 'testing', word: 'Testing', short: 'Test', icon: 'list', tone: 'work', fact: '7 of 9', percent: 77, time_left_s: 35, time_form: 'left', step: 5, serial: 'RC26-04129', chip_check: 'before_write' },
  yourTurn: { state: 'needs_operator', word: 'Your turn', short: 'Your turn', icon: 'hand', tone: 'fill-amber', reason: 'Unit is off', action: 'Press power button', action_icon: 'arrow' },
  pass: { state: 'pass', word: 'PASS', short: 'PASS', icon: 'pass', tone: 'fill-green', outcome: 'PASS', serial: 'RC26-04127', action: 'Take out', action_icon: 'arrow', ack: 'when_unplugged', ticks: proven, step: 0 },
  passOut: { state: 'pass', word: 'PASS', short: 'PASS', icon: 'pass', tone: 'fill-green', outcome: 'PASS', serial: 'RC26-04125', action: 'Press OK', action_icon: 'arrow', button: 'OK, taken out', press: 'acknowledge', ack: 'ready', ticks: proven, present: false },
  labelScan: { state: 'needs_operator', word: 'Your turn', short: 'Your turn', icon: 'hand', tone: 'fill-amber', outcome: 'PASS', serial: 'RC26-04126', reason: 'Label is printed', action: 'Stick on and scan', action_icon: 'arrow', button: 'Scan label', press: 'label', ack: 'label', ticks: proven, present: false },
  labelWrong: { state: 'needs_operator', word: 'Your turn', short: 'Your turn', icon: 'hand', tone: 'fill-amber', outcome: 'PASS', code: 'label.wrong', display_code: 'E46', serial: 'RC26-04126', reason: 'Label of another unit', action: 'Take right label', action_icon: 'arrow', button: 'Scan label', press: 'label', ack: 'label', ticks: proven, present: false },
  fail: { state: 'fail', word: 'FAIL', short: 'FAIL', icon: 'fail', tone: 'fill-red', outcome: 'FAIL', code: 'boot.none', display_code: 'F12', reason: 'Did not start', action: 'Put in repair bin', action_icon: 'arrow', ack: 'when_unplugged' },
  failOut: { state: 'fail', word: 'FAIL', short: 'FAIL', icon: 'fail', tone: 'fill-red', outcome: 'FAIL', code: 'order.wrong_model', display_code: 'F07', reason: 'Wrong board model', action: 'Return to stores', action_icon: 'arrow', button: 'Done', press: 'acknowledge', ack: 'ready', present: false },
  failNext: { state: 'fail', word: 'FAIL', short: 'FAIL', icon: 'fail', tone: 'fill-red', outcome: 'FAIL', code: 'image.mismatch', display_code: 'F21', reason: 'Image differs', note: 'Acknowledge the failed unit first', action: 'Press Done', action_icon: 'arrow', button: 'Done', press: 'acknowledge', ack: 'ready' },
  error: { state: 'error', word: 'STATION PROBLEM', short: 'STATION', icon: 'spanner', tone: 'frame-red', outcome: 'ERROR', code: 'tool.no_proof', display_code: 'E12', reason: 'unit not judged', action: 'Press Try again', action_icon: 'retry', button: 'Try again', press: 'retry', retry: true, ack: 'when_unplugged' },
  timeout: { state: 'timeout', word: 'TIMED OUT', short: 'TIMED OUT', icon: 'hourglass', tone: 'frame-red-double', outcome: 'ERROR', code: 'tool.silence', display_code: 'E14', reason: 'at Flash, no data 60 s', action: 'Press Try again', action_icon: 'retry', button: 'Try again', press: 'retry', retry: true, ack: 'when_unplugged' },
  stopped: { state: 'stopped', word: 'Stopped', short: 'Stopped', icon: 'square', tone: 'frame-amber', outcome: 'ABORTED', code: 'operator.cancelled', reason: 'by screen, 10:41', action: 'Press Try again', action_icon: 'retry', button: 'Try again', press: 'retry', retry: true, ack: 'when_unplugged' },
  interrupted: { state: 'interrupted', word: 'Interrupted', short: 'Interrupt.', icon: 'bolt', tone: 'frame-amber', code: 'station.restarted', reason: 'Station restarted 10:39', action: 'Check unit', action_icon: 'hand' },
  closed: { state: 'closed', word: 'Slot closed', short: 'Closed', icon: 'lock', tone: 'stripe', display_code: 'E31', reason: '6 of 9 here', action: 'Call technician', action_icon: 'phone' },
};

let nextJob = 800;
export function tile(slot, kind, changes = {}) {
  const found = kinds[kind];
  const job = ['empty', 'skipped', 'unmapped', 'found', 'closed'].includes(kind) ? null : (nextJob += 1);
  const made = {
    ...base, ...found, slot, port: `pci-0000:00:14.0-usb-0:1.${slot}`, job, unit: job === null ? null : job + 1000,
    since: Date.now() - 60_000, attempt: job === null ? null : 1, ...changes,
  };
  if (made.state === 'empty' || made.state === 'skipped') made.model = null;
  return made;
}

const mixed16 = () => [
  tile('1', 'flashing'), tile('2', 'pass'), tile('3', 'fail'), tile('4', 'restarting'),
  tile('5', 'verifying'), tile('6', 'error'), tile('7', 'closed'), tile('8', 'yourTurn'),
  tile('9', 'failOut'), tile('10', 'passOut'), tile('11', 'testing'), tile('12', 'waiting'),
  tile('13', 'empty'), tile('14', 'personalising'), tile('15', 'flashing', { percent: 12, time_left_s: 485, chip_check: 'after_boot' }), tile('16', 'empty'),
];

const all = () => [
  'empty', 'skipped', 'found', 'waiting', 'preparing', 'flashing', 'restarting', 'verifying', 'personalising', 'testing',
  'yourTurn', 'pass', 'fail', 'error', 'timeout', 'stopped', 'interrupted', 'closed', 'passOut', 'failNext',
].map((kind, i) => tile(String(i + 1), kind)).concat([tile('pci-0000:00:14.0-usb-0:4.2', 'unmapped', { port: 'pci-0000:00:14.0-usb-0:4.2' })]);

const eight = () => [
  tile('1', 'passOut', { serial: 'RC26-04127' }), tile('2', 'flashing'), tile('3', 'failOut', { display_code: 'F12', code: 'boot.none', reason: 'Did not start', action: 'Put in repair bin' }),
  tile('4', 'restarting'), tile('5', 'testing'), tile('6', 'error'), tile('7', 'yourTurn'), tile('8', 'empty'),
];

function many(n) {
  const cycle = ['flashing', 'pass', 'flashing', 'verifying', 'flashing', 'testing', 'restarting', 'waiting', 'flashing', 'empty', 'personalising', 'verifying'];
  const odd = { 5: 'passOut', 14: 'error', 18: 'fail', 29: 'closed', 45: 'yourTurn', 46: 'failOut' };
  const width = n > 32 ? 8 : 0;
  return Array.from({ length: n }, (_, i) => {
    const slot = width ? `${String.fromCharCode(65 + Math.floor(i / width))}${(i % width) + 1}` : String(i + 1);
    const kind = odd[i] ?? cycle[(i * 7) % cycle.length];
    const changes = kind === 'flashing' ? { percent: (i * 37) % 100, time_left_s: 40 + ((i * 53) % 400) } : {};
    return tile(slot, kind, changes);
  });
}

export const given = [];
const scenes = {
  mixed16, all, 8: eight, 32: () => many(32), 64: () => many(64),
  empty: () => Array.from({ length: 8 }, (_, i) => tile(String(i + 1), 'empty')),
  blocked: () => Array.from({ length: 8 }, (_, i) => tile(String(i + 1), i < 2 ? 'noOrder' : 'empty')),
  none: () => [],
  // The longest phrases of station/base/codes, given by the test that reads them.
  given: () => given,
};

export function countsOf(tiles) {
  const pick = (test) => {
    const slots = tiles.filter(test).map((one) => one.slot);
    return { count: slots.length, slots };
  };
  return {
    pass: pick((one) => one.outcome === 'PASS'), fail: pick((one) => one.outcome === 'FAIL'),
    error: pick((one) => one.outcome === 'ERROR'),
    aborted: pick((one) => one.outcome === 'ABORTED' || one.state === 'interrupted'),
    your_turn: pick((one) => one.state === 'needs_operator'),
  };
}

const working = new Set(['preparing', 'flashing', 'restarting', 'verifying', 'personalising', 'testing', 'stopping']);

export function stationOf(tiles, scene) {
  const blocked = scene === 'blocked';
  const running = tiles.filter((one) => working.has(one.state)).length;
  return {
    id: 'line2-st1', name: 'Line 2 · Station 1', version: '1.0.0', started_at: Date.now() - 3_600_000,
    state: blocked ? 'blocked' : running > 0 ? 'running' : 'ready', word: blocked ? 'Blocked' : running > 0 ? 'Running' : 'Ready',
    reason: blocked ? 'No order is open. A manager opens one under Orders.' : null,
    running, slots: tiles.filter((one) => one.mapped).length,
    order: blocked ? null : { id: 7, name: '2611-07', model: 'Reeplayer CRC-NX', image: 'l4t-system-crc-nx 32.7.2-5', image_id: '9f3c71de04a6b2'.padEnd(64, '0'), made: 312, quantity: 480 },
    pool: { name: 'reeplayer-crc', left: 204, total: 1200, low: false, warn_at: 150, hours_left: 204 * 50 / 3600 },
    today: { made: 312, first_judged: 325, first_passed: 312, takt_s: 50 },
    counts: countsOf(tiles),
    next_verdict: tiles.some((one) => one.state === 'testing') ? { slot: tiles.find((one) => one.state === 'testing').slot, in_s: 35 } : null,
    building: null,
    training: scene === 'training-beside' ? 'http://127.0.0.1:8090/' : null,
    alarms: scene === 'all' ? [{ id: 'hub-a', code: 'usb.hub_left', display_code: 'E31', sentence: 'Four units left at once: hub A.', action: 'Check the hub’s power and cable.', slots: ['1', '2', '3', '4'], since: Date.now() }] : [],
  };
}

export const tilesOf = (scene) => (scenes[scene] ?? mixed16)();
