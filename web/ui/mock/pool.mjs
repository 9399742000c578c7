// SPDX-License-Identifier: Apache-2.0
// The pool of the mock server: what is loaded, generated, withdrawn and closed stays so until the mock ends. Sentences
// and refusals are those of serial-pool/batch_end.cpp, serial_range.cpp and web/api/batches.cpp.
import { chip, today } from './pages.mjs';
import { Refusal, serialsOf } from './serial_range.mjs';

const name = 'reeplayer-crc';
const open = { state: 'open', source: 'file', order: null, ended_at: null, ended_by: null, end_reason: null, set_aside: 0 };
const none = { free: 0, reserved: 0, issued: 0, burned: 0, in_doubt: 0, voided: 0 };
const past = (days) => today('08:02:11') - days * 86_400_000;
const given = () => [
  { id: 4, name: '2611-c', pool: name, test_only: true, loaded_at: today('08:40:00'), loaded_by: 'jon', ...open, ...none, source: 'generated', order: '2611-07', total: 50, free: 50 },
  { id: 3, name: '2611-b', pool: name, test_only: false, loaded_at: past(8), loaded_by: 'jon', ...open, total: 250, free: 154, reserved: 3, issued: 4, burned: 85, in_doubt: 3, voided: 1 },
  { id: 2, name: '2610-a', pool: name, test_only: false, loaded_at: past(46), loaded_by: 'jon', ...open, ...none, total: 400, burned: 394, in_doubt: 1, voided: 5 },
  { id: 1, name: '2609-a', pool: name, test_only: true, loaded_at: past(78), loaded_by: 'eva', ...open, ...none, state: 'closed', ended_at: today('07:31:00'), ended_by: 'eva', end_reason: 'trial run is over', total: 500, burned: 482, voided: 11, set_aside: 7 },
];
const doubts = () => [
  ['RC26-04119', 'Serial sent, not read back', 'Unit did not start after the write (F12)', '10:37:00', '3', 'Plug the unit into any free slot', 'The same unit is made again with this serial and reads it back'],
  ['RC26-04110', 'Serial sent, not read back', 'Unit stopped answering (F18)', '10:26:00', '6', 'Repair, then plug it in again', 'The same serial is kept'],
  ['RC26-04093', 'Power went off while writing', 'Station restarted 09:12', '09:12:00', '11', 'Plug the unit into any free slot', 'The same unit is made again with this serial and reads it back'],
  ['RC26-03998', 'Serial sent, unit lost its link', 'USB link lost on slot 7 (E31)', '07:40:00', '7', 'Plug the unit into any free slot', 'The same unit is made again with this serial and reads it back'],
].map(([serial, certain, cause, at, slot, next_step, next_step_why], i) => ({
  serial, pool: name, batch: '2611-b', unit: 300 + i, job: 700 + i, slot, chip_id: chip(i), since: today(at), certain, cause, next_step, next_step_why,
  otherwise: 'Give the serial up, with a reason',
}));

const refusals = {
  'http.parameter': [400, 'A parameter is not valid', 'See openapi.yaml for what this path takes'],
  'request.invalid': [400, 'Request is not valid', 'Correct the request'],
  'request.unknown': [404, 'There is no such thing', undefined],
  'request.conflict': [409, 'Not possible in the present state', undefined],
  'batch.exists': [409, 'A batch of this name is loaded already', 'Choose another name'],
  'batch.refused': [422, 'The batch was not loaded', 'Mend the named lines'],
};
const refused = (code, detail, more = {}) => {
  const [status, title, hint] = refusals[code];
  return { status, body: { type: `/problems/${code}`, title, status, code, detail: detail ?? title, hint, ...more } };
};
const isName = (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);

const kinds = {
  pool: '', batch: '', order: '', ap_ssid: '', test_only: false, preview: false, prefix: '', from: 1, count: 0, step: 1, width: 0, suffix: '',
  check: '', check_counter_only: false, token_length: 0, token_alphabet: '',
};
const wanted = { string: 'text', boolean: 'true or false', number: 'a whole number in range' };

// The members of a body as web/api/batches.cpp reads them: of their kind, and none that is not known.
function bodyOf(body, shape, needed) {
  for (const [key, otherwise] of Object.entries(shape)) {
    const fits = typeof body[key] === typeof otherwise && (typeof otherwise !== 'number' || Number.isInteger(body[key]));
    if ((key in body || needed.includes(key)) && !fits) throw new Refusal(`field '${key}' must be ${wanted[typeof otherwise]}`);
  }
  const more = Object.keys(body).find((key) => !(key in shape));
  if (more !== undefined) throw new Refusal(`Member ${more} is not known here`);
  return { ...shape, ...body };
}

export function makePool(changed = () => {}, orders = () => ({ orders: [] })) {
  const warnAt = new Map([[name, 150]]);
  const batches = given();
  const in_doubt = doubts();
  const made = new Set(['RC26-03911']); // folded serials that came in since, and one of long ago

  const sums = (pool) => batches.filter((one) => one.pool === pool).reduce((all, one) => {
    for (const key of ['total', 'set_aside', ...Object.keys(none)]) all[key] = (all[key] ?? 0) + one[key];
    return all;
  }, {});
  const page = () => ({
    pools: [...new Set([...batches].reverse().map((one) => one.pool))].map((pool) => ({
      name: pool, ...sums(pool), low: false, warn_at: warnAt.get(pool) ?? 0, used_last_hour: pool === name ? 72 : 0, needed: pool === name ? 168 : null,
    })),
    batches, in_doubt,
  });
  const account = (one) => {
    const never = Math.floor(one.burned / 100); // on units that never passed
    return {
      batch: one.name, pool: one.pool, state: one.state, loaded: one.total, passed: one.burned - never, scrapped: never + one.voided, voided: one.voided,
      in_doubt: one.in_doubt, at_work: one.reserved + one.issued, left: one.free + one.set_aside,
    };
  };

  function accountOf(batch) {
    const one = batches.find((row) => row.name === batch);
    return one ? { status: 200, body: account(one) } : refused('request.unknown', `There is no batch ${batch}`);
  }

  function end(batch, what, body) {
    try {
      const { reason } = what === 'withdraw' ? bodyOf(body, { reason: '' }, ['reason']) : { reason: '', ...bodyOf(body, {}, []) };
      const one = batches.find((row) => row.name === batch);
      if (reason.length > 500) return refused('request.invalid', 'reason: at most 500 characters');
      if (what === 'withdraw' && reason === '') return refused('request.invalid', 'reason: a batch is withdrawn for a reason');
      if (!one) return refused('request.unknown', `There is no batch ${batch}`);
      if (one.state !== 'open') return refused('request.conflict', `Batch ${batch} is ${one.state} already`);
      const { loaded, left, at_work } = account(one);
      if (what === 'withdraw' && left !== loaded) return refused('request.conflict', `Units have ${loaded - left} serials of batch ${batch}; close it instead`);
      if (what === 'close' && at_work > 0) return refused('request.conflict', `Units are being made with ${at_work} serials of batch ${batch}; close it when they are done`);
      Object.assign(one, {
        state: what === 'withdraw' ? 'withdrawn' : 'closed', ended_at: Date.now(), ended_by: 'page', end_reason: reason === '' ? null : reason, set_aside: one.free, free: 0,
      });
      changed();
      return { status: 200, body: account(one) };
    } catch (refusal) {
      if (refusal instanceof Refusal) return refused('request.invalid', refusal.message);
      throw refusal;
    }
  }

  // What a load refuses though its lines are good; its preview, too.
  function refusedTarget(target) {
    if (batches.some((one) => one.name === target.batch)) return refused('batch.exists', `There is a batch ${target.batch} already`);
    if (target.order === '') return null;
    const order = orders().orders.find((one) => one.name === target.order && one.state === 'open');
    if (!order) return refused('request.invalid', `order: there is no open order ${target.order}`);
    return order.pool === target.pool ? null : refused('request.invalid', `order: ${target.order} does not take from pool ${target.pool}`);
  }

  // Puts in what was checked, as a file or a range.
  function put(target, serials, source) {
    const wrong = refusedTarget(target);
    if (wrong !== null) return wrong;
    const stem = `${target.pool.slice(0, 44)}-${new Date().toISOString().slice(0, 10).replaceAll('-', '')}-`;
    let number = 1;
    while (batches.some((one) => one.name === stem + number)) number += 1;
    const batch = target.batch === '' ? stem + number : target.batch;
    serials.forEach((serial) => made.add(serial.toUpperCase()));
    batches.unshift({
      id: batches[0].id + 1, name: batch, pool: target.pool, test_only: target.test_only, loaded_at: Date.now(), loaded_by: 'page', ...open, ...none,
      source, order: target.order === '' ? null : target.order, total: serials.length, free: serials.length,
    });
    changed();
    return { status: 201, body: { batch: batches[0], count: serials.length, left: sums(target.pool).free } };
  }

  const rangeCheck = (serials, { token_length: tokenLength, ap_ssid }) => {
    const known = serials.flatMap((serial, n) => (made.has(serial.toUpperCase()) ? [{ file: '', line: n + 2, column: 1, field: 'serial', message: 'the serial is in the pool already', serial }] : []));
    const sample = serials.map((serial, n) => ({ line: n + 2, serial, token_length: tokenLength === 0 ? null : tokenLength }));
    return {
      verdict: known.length === 0 ? 'accept' : 'reject', count: known.length === 0 ? serials.length : 0, errors: known.slice(0, 1000), warnings: [],
      errors_total: known.length, warnings_total: 0, lines: serials.length, separator: tokenLength === 0 ? null : ',', header: true, ap_ssid: ap_ssid === '' ? null : ap_ssid, ap_password: false,
      sample: sample.length <= 20 ? sample : [...sample.slice(0, 10), ...sample.slice(-10)],
    };
  };

  function generate(body) {
    try {
      const range = bodyOf(body, kinds, ['pool', 'count']);
      const serials = serialsOf(range, range.test_only);
      const check = rangeCheck(serials, range);
      if (!isName(range.pool) || (range.batch !== '' && !isName(range.batch))) {
        return refused('request.invalid', "Names of pools and batches have 1 to 64 letters, digits, '.', '_', '-'");
      }
      if (range.preview) return (check.verdict === 'accept' ? refusedTarget(range) : null) ?? { status: 200, body: check };
      return check.verdict === 'accept' ? put(range, serials, 'generated') : refused('batch.refused', undefined, { check });
    } catch (refusal) {
      if (refusal instanceof Refusal) return refused('request.invalid', refusal.message);
      throw refusal;
    }
  }

  const targetOf = (query) => ({ pool: query.get('pool') ?? '', batch: query.get('batch') ?? '', order: query.get('order') ?? '', test_only: query.get('test_only') === '1' });
  function refusedName(target) {
    if (!isName(target.pool)) return refused('http.parameter', 'Parameter pool must name a pool');
    if (target.batch === '' || isName(target.batch)) return null;
    return refused('http.parameter', 'Parameter batch must be a name: letters, digits, dot, dash, underscore, at most 64');
  }
  function look(query, text) {
    const target = targetOf(query);
    const check = preview(query, text);
    return refusedName(target) ?? (check.verdict === 'accept' ? refusedTarget(target) : null) ?? { status: 200, body: check };
  }
  function load(query, text) {
    const target = targetOf(query);
    const misnamed = refusedName(target);
    if (misnamed !== null) return misnamed;
    const check = preview(query, text);
    if (check.verdict === 'reject') return refused('batch.refused', undefined, { check });
    const lines = text.split('\n').slice(1).filter((line) => line.trim() !== '' && !line.startsWith('#'));
    return put(target, lines.map((line) => line.split(',')[0]), 'file');
  }
  function warn(body) {
    warnAt.set(body.pool, body.warn_at);
    return { status: 200, body };
  }
  return { page, accountOf, end, generate, look, load, warn, left: () => sums(name).free };
}

function preview(query, body) {
  const lines = body.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const file = query.get('file') ?? '';
  const bad = body.includes('rc26-05042');
  const complaint = (line, column, field, message, serial) => ({ file, line, column, field, message, serial });
  return {
    verdict: bad ? 'reject' : 'accept', count: bad ? 0 : lines.length - 1, lines: lines.length - 1, header: true, separator: ',',
    errors: bad ? [
      complaint(118, 1, 'serial', 'Serial appears twice in this file. Line 43 has RC26-05042 with another token. Upper and lower case count as the same.', 'rc26-05042'),
      complaint(204, 2, 'token', 'Token has a blank inside, at place 17. A token is 1 to 4,096 printable characters without blanks.', 'RC26-05203'),
      complaint(377, 1, 'serial', 'Serial is already in the pool. Loaded with batch 2610-a on 5 Oct 2026.', 'RC26-03911'),
    ] : [],
    warnings: [complaint(1, 3, 'note', 'Column "note" is not used.', null)],
    sample: [[2, 'RC26-05001'], [3, 'RC26-05002'], [118, 'rc26-05042'], [204, 'RC26-05203'], [377, 'RC26-03911'], [501, 'RC26-05500']].map(([line, serial]) => ({ line, serial, token_length: 64 })),
  };
}
