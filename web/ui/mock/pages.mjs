// SPDX-License-Identifier: Apache-2.0
// Invented answers for the desk pages of the mock server.
import { image } from './orders.mjs';

export const today = (clock) => {
  const at = new Date();
  const [h, m, s] = clock.split(':').map(Number);
  at.setHours(h, m, s, 0);
  return at.getTime();
};
export const chip = (n) => `0x80021911651462240000000012f${(0xc0140 + n * 4919).toString(16)}`;

const outcomes = [['PASS'], ['ERROR', 'tool.no_proof', 'E12', 'Flasher stopped'], ['PASS'], ['FAIL', 'order.wrong_model', 'F07', 'Wrong board model'], ['PASS'], ['FAIL', 'boot.none', 'F12', 'Did not start'], ['PASS'], ['PASS'], ['ERROR', 'usb.left', 'E31', 'USB link lost'], ['PASS'], ['PASS'], ['PASS'], ['PASS'], ['ABORTED', 'operator.cancelled', null, 'Stopped by screen'], ['PASS'], ['PASS'], ['FAIL', 'image.mismatch', 'F21', 'Image read back differs']];

const row = (i) => {
  const [result, code = null, display_code = null, reason = null] = outcomes[i % outcomes.length];
  const ended = today('10:41:24') - i * 71_000;
  const seconds = result === 'PASS' ? 600 + ((i * 31) % 80) : 14 + ((i * 97) % 600);
  return {
    job: 1347 - i, unit: 1200 - i, attempt: i % 11 === 10 ? 2 : 1, result, code, display_code, reason,
    serial: result === 'ERROR' || result === 'ABORTED' ? null : `RC26-0${4127 - i}`, batch: '2611-b', pool: 'reeplayer-crc', order_name: '2611-07',
    model: 'Xavier NX', chip_id: chip(i), module_serial: '1421320052417', slot: String(((i * 7) % 16) + 1), port: 'pci-0000:00:14.0-usb-0:4.2',
    image_id: image.id, image_name: '32.7.2-5', started_ms: ended - seconds * 1000, ended_ms: ended, duration_s: seconds,
    lease_state: result === 'PASS' ? 'burned' : null, proof_image: null, proof_serial: null, actor: null,
  };
};

export function records(query) {
  const wanted = query.get('result')?.split(',') ?? null;
  const serial = query.get('serial_from')?.toLowerCase() ?? null;
  const every = Array.from({ length: 347 }, (_, i) => row(i))
    .filter((one) => !wanted || wanted.includes(one.result))
    .filter((one) => !serial || one.serial?.toLowerCase() >= serial)
    .filter((one) => !query.get('slot') || one.slot === query.get('slot'));
  const from = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 100);
  const count = (result) => every.filter((one) => one.result === result).length;
  return {
    rows: every.slice(from, from + limit), next_cursor: from + limit < every.length ? String(from + limit) : null,
    total: every.length, units: Math.max(0, every.length - 22),
    counts: { PASS: count('PASS'), FAIL: count('FAIL'), ERROR: count('ERROR'), ABORTED: count('ABORTED') },
  };
}


const tileOfJob = (job, tiles) => tiles.find((one) => one.job === job) ?? null;
const running = (tile) => tile !== null && tile.outcome === null;

function proofsOf(outcome) {
  const ok = outcome === 'PASS' ? true : outcome === 'FAIL' ? false : null;
  return [
    { kind: 'image', ok: outcome === null ? null : true, title: 'Image read back', sentence: outcome === null ? null : '11 partitions and 512 files equal the image’s', at: outcome === null ? null : today('10:39:30') },
    { kind: 'serial', ok, title: 'Serial heard from the unit', sentence: ok === true ? 'Over SSH at 10:40:53: RC26-04127, as leased' : ok === false ? 'Heard RC26-09999, leased RC26-04127' : null, at: ok === null ? null : today('10:40:53') },
    { kind: 'saved', ok: ok === true ? true : null, title: 'Record saved', sentence: ok === true ? 'Row 90,412 committed 10:41:24' : null, at: ok === true ? today('10:41:24') : null },
  ];
}

const plan = [
  ['preflight', 'Found', 2, 'work'], ['rcm', 'Starting flasher', 21, 'work'], ['flash', 'Flashing', 408, 'work'], ['boot', 'Restarting', 52, 'restart'],
  ['prove-image', 'Checking image', 92, 'work'], ['set-nvme', 'set-nvme', 9, 'work'], ['set-wifi-ap', 'set-wifi-ap', 3, 'work'], ['set-serial', 'Writing serial', 6, 'work'],
  ['reboot-and-wait', 'Restarting', 41, 'restart'], ['read-serial', 'Read serial back', 2, 'work'], ['test', 'Testing, 9 of 9', 31, 'work'],
];

function stepsOf(outcome, live) {
  let at = today('10:30:17');
  const upTo = outcome === 'PASS' ? plan.length : outcome === null ? 3 : 8;
  return plan.slice(0, upTo).map(([name, word, seconds, kind], index) => {
    const started = live ? Date.now() - 120_000 + index * 10_000 : at;
    at += seconds * 1000;
    const last = index === upTo - 1;
    const state = last && outcome === null ? 'running' : last && outcome !== 'PASS' ? 'failed' : 'done';
    return {
      index, attempt: 1, name, word, kind, state, started_at: started,
      ended_at: state === 'running' ? null : live ? started + 10_000 : at, code: state === 'failed' ? 'step.set-serial' : null,
      sentence: state === 'failed' ? 'set-serial ended with status 1' : null,
    };
  });
}

export function job(id, tiles) {
  const tile = tileOfJob(id, tiles);
  const from = row(1347 - id >= 0 ? 1347 - id : 0);
  const outcome = tile ? tile.outcome : from.result;
  const live = running(tile);
  const bad = outcome !== null && outcome !== 'PASS';
  return {
    job: id, unit: tile?.unit ?? from.unit, slot: tile?.slot ?? from.slot, attempt: 1, order: { id: 7, name: '2611-07' }, image, image_release: { how: 'two', by: 'Jon Vega, Ana Kim', reason: null }, model: 'Xavier NX',
    running: live, outcome, code: bad ? tile?.code ?? from.code : null, display_code: bad ? tile?.display_code ?? from.display_code : null,
    sentence: bad ? 'The unit did not start after flashing: nothing was seen on its port for 120 s.' : null,
    action: bad ? tile?.action ?? 'Put in repair bin' : null, retry: bad ? outcome === 'ERROR' : null,
    started_at: live ? Date.now() - 120_000 : today('10:30:17'), ended_at: live ? null : today('10:41:24'),
    steps: stepsOf(outcome, live), proofs: proofsOf(outcome), lease: { serial: 'RC26-04127', state: outcome === 'PASS' ? 'burned' : 'issued', pool: 'reeplayer-crc', batch: '2611-b' }, certificate: outcome === 'PASS',
    log: { size: text(id, tiles).length, ended: !live, redactions: 2, segments: segments(id, tiles) },
  };
}

export function jobContext(id, tiles) {
  const shown = job(id, tiles);
  const at = shown.ended_at ?? shown.started_at;
  const beside = (n, outcome, display_code) => ({ job: id + 16 * n, unit: shown.unit + 16 * n, serial: `RC26-0${4127 + 16 * n}`, outcome, display_code, at: at + n * 713_000 });
  return {
    usual: { of: 312, median_s: 648, steps: shown.steps.filter((one) => one.ended_at !== null).map((one) => ({ index: one.index, name: one.name, median_s: ((one.ended_at - one.started_at) / 1000) * (0.9 + (one.index % 4) / 16) })) },
    on_slot: [beside(-2, 'PASS', null), beside(-1, 'FAIL', 'F12'), { ...beside(0, shown.outcome, shown.display_code), serial: shown.outcome === 'ERROR' ? null : 'RC26-04127' }, beside(1, 'PASS', null)],
  };
}

export function unit(id, tiles) {
  const tile = tiles.find((one) => one.unit === id) ?? null;
  const jobId = tile?.job ?? 1347 - (1200 - id);
  const made = job(jobId, tiles);
  const fact = (key, label, value, mono = false) => ({ key, label, value, mono });
  const serial = made.outcome === 'ERROR' ? null : 'RC26-04127';
  return {
    unit: id, serial, model: 'Xavier NX', chip_id: chip(0), module_serial: '1421320052417', slot: tile?.present ? tile.slot : null, tile,
    facts: [
      fact('serial', 'Serial', serial ?? 'none leased'), fact('token', 'Token', 'sealed'), fact('chip_id', 'Chip id (ECID)', chip(0), true), fact('module_serial', 'Module serial', '1421320052417'),
      fact('model', 'Model', 'Xavier NX, P3668-0001'), fact('image', 'Image', image.name), fact('image_id', 'Image hash', image.id, true),
      fact('recipe', 'Recipe', 'camera'), fact('batch', 'Batch', '2611-b'), fact('slot', 'Slot', made.slot), fact('port', 'Port path', 'pci-0000:00:14.0-usb-0:4.2', true), fact('tool', 'Tool', 'jetson-usb 1.0.0, L4T R32.7.2'),
    ],
    proofs: made.proofs,
    attempts: [{ job: jobId, number: 1, outcome: made.outcome, code: made.code, display_code: made.display_code, sentence: made.sentence, slot: made.slot, started_at: made.started_at, ended_at: made.ended_at }],
    history: [
      { seq: 1, at: today('10:30:17'), sentence: 'unit found, started by itself', actor: null }, { seq: 2, at: today('10:40:47'), sentence: 'serial RC26-04127 issued', actor: null },
      { seq: 3, at: today('10:41:24'), sentence: 'PASS, still in slot 2', actor: null }, { seq: 4, at: today('10:42:31'), sentence: 'acknowledged', actor: 'screen' },
    ],
  };
}

const texts = new Map();
function text(id, tiles) {
  const live = running(tileOfJob(id, tiles));
  const had = texts.get(id) ?? [];
  const want = live ? Math.min(4000, had.length + 3 || 120) : 4223;
  const sources = ['usb    arrived 0:4.2 0955:7020, twin 0:8.2', 'net    usb3 up, fe80::1%usb3', 'ssh    wait: port 22 refused, try 1', 'step   test 1 of 9  nvme mounted at /mnt/data … ok', 'unit   serial=RC26-04127', '[   5.7221 ] Writing partition APP with system.img [................................] 100%', 'step   read-back equal to lease RC26-04127'];
  while (had.length < want) had.push(`10:${String(30 + (had.length % 12)).padStart(2, '0')}:${String(had.length % 60).padStart(2, '0')}.${String((had.length * 7) % 1000).padStart(3, '0')}  ${sources[had.length % sources.length]}`);
  texts.set(id, had);
  return Buffer.from(`${had.join('\n')}\n`);
}

function segments(id, tiles) {
  const size = text(id, tiles).length;
  const at = Math.floor(size * 0.9);
  const cut = text(id, tiles).indexOf(10, at) + 1;
  return [
    { index: 2, attempt: 1, name: 'flash', word: 'Flashing', from: 0, size: cut },
    { index: 9, attempt: 1, name: 'read-serial', word: 'Read serial back', from: cut, size: size - cut },
  ];
}

export function log(id, tiles, query) {
  const bytes = text(id, tiles);
  const asked = Number(query.get('from') ?? 0);
  const from = Math.min(bytes.length, asked < 0 ? Math.max(0, bytes.length + asked) : asked);
  const piece = bytes.subarray(from, from + Number(query.get('max') ?? 262_144));
  return { bytes: piece, headers: { 'X-Log-From': String(from), 'X-Log-Size': String(bytes.length), 'X-Log-End': String(!running(tileOfJob(id, tiles))) } };
}
