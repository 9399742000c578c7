// SPDX-License-Identifier: Apache-2.0
// Invented labels of the mock server.
import { today } from './pages.mjs';

const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="50mm" height="25mm" viewBox="0 0 400 200"><rect width="400" height="200" fill="#fff"/>'
  + '<path d="M16 24h140v140h-140z M30 38v112h112v-112z M58 66h56v56h-56z" fill="#000" fill-rule="evenodd"/>'
  + '<text x="176" y="60" font-size="34" font-family="sans-serif">RC26-04127</text><text x="176" y="104" font-size="24" font-family="sans-serif">Camera, Xavier NX</text></svg>';

const label = (id, more) => ({
  label: id, job: 1300 + id, unit: 1150 + id, serial: `RC26-0${4100 + id}`, slot: String(id), copy: 1, state: 'failed', doubt: false, tries: 5,
  message: 'Printer 192.168.1.9:9100 does not answer: Connection refused', asked_ms: today('10:38:05') + id * 61_000, asked_by: 'Ana Kim', reason: null,
  printed_ms: null, checked_ms: null, ...more,
});

export function makeLabels() {
  let labels = [
    label(3, {}), label(5, { doubt: true, tries: 1, message: 'Printer 192.168.1.9:9100 took all but did not say that it is done' }),
    label(7, { state: 'waiting', tries: 2 }), label(9, { copy: 2, reason: 'torn', state: 'waiting', tries: 0, message: null }),
  ];
  const state = (one) => ({ status: 200, body: { label: one.label, job: one.job, copy: one.copy, state: one.state, doubt: one.doubt } });
  const bad = (status, code, detail) => ({ status, body: { type: `/problems/${code}`, title: detail, status, detail, code } });
  return {
    picture,
    page: () => ({ labels, printer: { print: 'acknowledge', verify: true } }),
    ofUnit: (made) => ({
      ...made, label_printer: { print: 'acknowledge', verify: true },
      labels: made.attempts[0]?.outcome !== 'PASS' ? [] : [
        label(21, { job: made.attempts[0].job, unit: made.unit, copy: 2, state: 'printed', tries: 1, message: null, reason: 'torn', printed_ms: today('10:44:00') }),
        label(20, { job: made.attempts[0].job, unit: made.unit, state: 'printed', tries: 1, message: null, printed_ms: today('10:42:00'), checked_ms: today('10:42:20') }),
      ],
    }),
    post(path, body) {
      const [, id, what] = /^\/api\/v1\/labels\/(\d+)\/(retry|found)$/.exec(path) ?? [];
      const one = labels.find((each) => String(each.label) === id);
      if (what && !one) return bad(404, 'request.unknown', `There is no label ${id}`);
      if (what === 'retry') {
        if (one.state !== 'failed') return bad(409, 'request.conflict', 'This label did not fail');
        if (one.doubt) return bad(409, 'request.conflict', 'This label may be printed. If it is not there, print another copy');
        Object.assign(one, { state: 'waiting', tries: 0 });
        return state(one);
      }
      if (what === 'found') {
        if (!one.doubt) return bad(409, 'request.conflict', 'There is no doubt about this label');
        labels = labels.filter((each) => each !== one);
        return state({ ...one, state: 'printed', doubt: false });
      }
      const [, job, copy] = /^\/api\/v1\/jobs\/(\d+)\/label(\/copy)?$/.exec(path) ?? [];
      if (copy && !body.reason?.trim()) return bad(400, 'request.invalid', 'reason: say why, on one line of at most 200 bytes');
      if (job) {
        labels = labels.filter((each) => String(each.job) !== job);
        return state(label(30, { job: Number(job), copy: copy ? 2 : 1, state: 'waiting', doubt: false }));
      }
      return null;
    },
  };
}
