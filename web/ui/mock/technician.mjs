// SPDX-License-Identifier: Apache-2.0
// Invented slot health of the mock server, and closing and reopening.
const fault = (changes) => ({ code: 'usb.link', display_code: 'E02', sentence: 'USB link failed', outcome: 'ERROR', cases: 1, all_cases: 9, units: 1, units_elsewhere: 0, passed_elsewhere: 0, follows: null, ...changes });
const none = { reopened_at: null, reopened_by: null, reopen_reason: null };

export function makeTechnician(tiles, change, tile, resetAll) {
  let layout = [];
  let mapping = null;
  let mapped = null;
  const units = [];
  let plugged = 0;
  const ports = () => ({
    mapping, from: mapped === null ? 'station.toml' : 'page', units, busy: [], at: Date.now(),
    slots: mapped ?? tiles.filter((one) => one.mapped).map((one) => ({ slot: one.slot, port: one.port, peer: null, at: null, by: null })),
  });
  const closings = new Map();
  const past = (minutes) => Date.now() - minutes * 60_000;
  for (const one of tiles) {
    if (one.state === 'closed') closings.set(one.slot, [{ at: past(35), by: 'station', reason: 'E02, 6 of 9 here', ...none }]);
  }
  closings.set('2', [{ at: past(300), by: 'Tomas Beck', reason: 'hub is warm', reopened_at: past(240), reopened_by: 'Tomas Beck', reopen_reason: 'new hub' }]);
  const health = (query) => ({
    since: Number(query.get('since')), until: Number(query.get('until')),
    slots: tiles.filter((one) => one.mapped).map((one, i) => {
      const list = closings.get(one.slot) ?? [];
      const closed = list[0]?.reopened_at === null ? list[0] : null;
      const faults = closed !== null ? [fault({ cases: 6, units: 6, passed_elsewhere: 4, follows: 'slot' })]
        : i % 5 === 2 ? [fault({ code: 'boot.none', display_code: 'F12', sentence: 'Did not start', outcome: 'FAIL', units_elsewhere: 1, follows: 'unit' }), fault({})] : [];
      return {
        slot: one.slot, attempts: 22 - (i % 4), failed: faults.filter((each) => each.outcome === 'FAIL').length,
        problems: faults.filter((each) => each.outcome === 'ERROR').reduce((sum, each) => sum + each.cases, 0),
        beyond_chance: closed !== null, faults, closed, closings: list,
      };
    }),
  });
  const bad = (status, code, detail) => ({ status, body: { type: `/problems/${code}`, title: detail, status, detail, code } });
  return {
    get(url) {
      if (url.pathname === '/api/v1/ports') return ports();
      return url.pathname === '/api/v1/slots' ? health(url.searchParams) : null;
    },
    layout: () => layout,
    post(path, body) {
      if (path === '/mock/plug') {
        plugged += 1;
        const at = units.findIndex((one) => one.port === body.port);
        if (at !== -1) units.splice(at, 1);
        if (!body.out) units.push({ port: body.port, id: '0955:7e19', model: body.other ? null : 'Xavier NX', slot: null, peer: body.peer ?? null, number: plugged, since: Date.now() });
        resetAll();
        return { status: 200, body: {} };
      }
      if (path === '/api/v1/ports/mapping') {
        if (mapping !== null && mapping.by !== 'page') return bad(409, 'request.conflict', `Ports are being mapped by ${mapping.by}`);
        mapping = body.on ? { by: 'page', since: Date.now(), until: Date.now() + 900_000 } : null;
        resetAll();
        return { status: 200, body: ports() };
      }
      if (path === '/api/v1/ports') {
        if (mapping === null) return bad(409, 'request.conflict', 'The mapping has ended: start it again');
        mapped = body.slots.length === 0 ? null : body.slots.map((one) => ({ peer: null, ...one, at: Date.now(), by: 'page' }));
        mapping = null;
        resetAll();
        return { status: 200, body: ports() };
      }
      if (path === '/api/v1/layout') {
        const known = body.places.every((one) => tiles.some((each) => each.slot === one.slot && each.mapped));
        if (!known) return bad(400, 'request.invalid', 'places: there is no such slot');
        layout = body.places;
        resetAll();
        return { status: 200, body: { places: layout.length } };
      }
      const [, slot, what] = /^\/api\/v1\/slots\/([^/]+)\/(close|reopen|power)$/.exec(decodeURIComponent(path)) ?? [];
      if (what === undefined) return null;
      if (!tiles.some((one) => one.slot === slot && one.mapped)) return bad(404, 'request.unknown', `There is no slot ${slot}`);
      if (what === 'power') return { status: 200, body: change(slot, tiles.find((one) => one.slot === slot)) };
      if ((body.reason ?? '').trim() === '') return bad(400, 'request.invalid', 'reason: say why');
      const list = closings.get(slot) ?? [];
      const closed = list[0]?.reopened_at === null;
      if (what === 'close') {
        if (closed) return bad(409, 'slot.closed', `Slot ${slot} is closed already`);
        closings.set(slot, [{ at: Date.now(), by: 'page', reason: body.reason, ...none }, ...list]);
        return { status: 200, body: change(slot, tile(slot, 'closed', { display_code: null, reason: 'by page' })) };
      }
      if (!closed) return bad(409, 'request.conflict', `Slot ${slot} is not closed`);
      closings.set(slot, [{ ...list[0], reopened_at: Date.now(), reopened_by: 'page', reopen_reason: body.reason }, ...list.slice(1)]);
      return { status: 200, body: change(slot, tile(slot, 'empty')) };
    },
  };
}
