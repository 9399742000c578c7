// SPDX-License-Identifier: Apache-2.0
// Invented orders and images of the mock server, changed as the station changes its own.
const past = (hours) => Date.now() - hours * 3_600_000;
const key = (start) => start.padEnd(64, '4');
export const image = { id: key('9f3c71de04a6b2d35e8017c'), name: 'l4t-system-crc-nx 32.7.2-5' };
const other = { id: key('3fa2c09b77e1'), name: 'l4t-system-crc-nx 32.7.4-1' };
const problem = (status, code, detail) => ({ status, body: { type: `/problems/${code}`, title: detail, status, detail, code } });

export function makeOrders(scene, actor) {
  const order = (id, name, state, units, passed, inWork, more = {}) => ({
    id, name, profile: 'crc-nx', model: 'xavier-nx', image_id: image.id, image: image.name, pool: 'reeplayer-crc', quantity: 480, made: passed, state,
    opened_at: past(30), opened_by: 'Jon Vega', rotate_token: false, allow_no_chip: false, ended_at: null, ended_by: null, end_reason: null,
    account: { units, passed, failed: units - passed - inWork, in_work: inWork }, changed: null, image_error: null,
    in_force: state === 'closed' ? null : { 'install-mcutool': { enabled: true }, 'set-wifi-ap': { address: '10.0.0.1', ssid: 'Line', password: 'set' } }, ...more,
  });
  const rows = [
    order(7, '2611-07', 'open', 335, 312, 14),
    ...(scene === 'orders' ? [
      order(6, '2611-06', 'paused', 40, 38, 0, { image_id: other.id, image: other.name, rotate_token: true,
        changed: 'Order 2611-06: its recipe is another one now (step 6, set-wifi-ap: ssid): put it back in station.toml, or close the order and open another' }),
      order(5, '2610-31', 'closed', 502, 480, 0, { ended_at: past(60), ended_by: 'Jon Vega', end_reason: 'delivered in full' }),
    ] : []),
  ];
  const images = [
    { ...(scene === 'orders' ? other : image), profile: 'crc-nx', state: 'ready', builds: 1, size: 14_900_000_000, partitions: 12, files: 512, built_at: past(31),
      said: scene === 'orders' ? [{ kind: 'release', by: 'Ana Kim', at: past(3), reason: null }] : [{ kind: 'release', by: 'Jon Vega', at: past(29), reason: null }, { kind: 'release', by: 'Ana Kim', at: past(28), reason: null }] },
    ...(scene === 'orders' ? [{ ...image, profile: 'crc-nx', state: 'ready', builds: 1, size: 14_700_000_000, partitions: 12, files: 508, built_at: past(200),
      said: [{ kind: 'emergency', by: 'Jon Vega', at: past(30), reason: 'second releaser is ill, customer waits' }] }] : []),
  ];
  const releaseOf = ({ id, said }) => {
    const since = said.slice(said.findLastIndex((one) => one.kind === 'withdrawal') + 1);
    const people = since.filter((one) => one.kind === 'release').map((one) => one.by);
    const emergency = since.find((one) => one.kind === 'emergency');
    const none = { may_start: true, by: null, reason: null, missing: 0, withdrawn: false, why: null };
    if (people.length >= 2) return { ...none, how: 'two', by: people.join(', ') };
    if (emergency) return { ...none, how: 'emergency', by: emergency.by, reason: emergency.reason, missing: 2 - people.length };
    const withdrawn = people.length === 0 && since.length < said.length;
    const name = id.slice(0, 12);
    return { ...none, may_start: false, how: null, by: people.join(', ') || null, missing: 2 - people.length, withdrawn, reason: withdrawn ? said.at(-1).reason : null,
      why: withdrawn ? `Image ${name} was withdrawn` : people.length === 1 ? `Image ${name} waits for a second release` : `Image ${name} is not released` };
  };
  return {
    orders: () => ({ orders: rows, profiles: [{ id: 'crc-nx', name: 'Camera, Xavier NX', model: 'Xavier NX', serials: true }, { id: 'gateway', name: 'Gateway card', model: 'Card', serials: false }] }),
    images: () => ({ policy: 'two', images: images.map((one) => ({ ...one, release: releaseOf(one) })) }),
    post(path, body) {
      if (path === '/api/v1/orders') {
        if (rows.some((one) => one.name === body.name)) return problem(409, 'request.conflict', `name: there is an order '${body.name}' already; take another name`);
        if (body.profile === 'gateway' ? body.pool !== '' : body.pool !== 'reeplayer-crc') return problem(409, 'pool.unknown', `pool: there is no pool '${body.pool}'; load a batch into it first`);
        rows.unshift(order(rows.length + 20, body.name, 'open', 0, 0, 0, { profile: body.profile, pool: body.pool || 'no-serials', quantity: body.quantity, opened_at: Date.now(), opened_by: actor() }));
        return { status: 201, body: { id: rows[0].id, name: body.name } };
      }
      const [, name, change] = /^\/api\/v1\/orders\/([^/]+)\/(pause|resume|close)$/.exec(path) ?? [];
      if (change) {
        const one = rows.find((each) => each.name === decodeURIComponent(name));
        if (!one) return problem(404, 'request.unknown', `There is no order ${name}`);
        one.state = { pause: 'paused', resume: 'open', close: 'closed' }[change];
        if (change === 'close') Object.assign(one, { ended_at: Date.now(), ended_by: actor(), end_reason: body.reason });
        return { status: 200, body: { id: one.id, name: one.name, state: one.state, account: one.account } };
      }
      const [, id, say] = /^\/api\/v1\/images\/([^/]+)\/(release|emergency|withdraw)$/.exec(path) ?? [];
      if (!say) return null;
      const found = images.find((each) => each.id === id);
      if (!found) return problem(404, 'request.unknown', 'There is no such image; GET /api/v1/images has them');
      const kind = say === 'withdraw' ? 'withdrawal' : say;
      if (kind === 'release' && found.said.at(-1)?.kind === 'release' && found.said.at(-1).by === actor()) {
        return problem(409, 'request.conflict', `${actor()} released image ${id.slice(0, 12)} already; a second release is by another person, who logs in by another account`);
      }
      found.said.push({ kind, by: actor(), at: Date.now(), reason: body.reason ?? null });
      return { status: 200, body: { id, release: releaseOf(found) } };
    },
  };
}
