// SPDX-License-Identifier: Apache-2.0
// Invented accounts and screens of the mock server. Scenes `login` (nobody is logged in), `admin` and `technician`; else the station is open.
const past = (days) => Date.now() - days * 86_400_000;

const may = { anyone: ['anyone'], display: ['anyone', 'display'], operator: ['anyone', 'display', 'operator'], qa: ['anyone', 'display', 'operator', 'qa'] };
may.manager = [...may.qa, 'manager'];
may.technician = [...may.qa, 'technician'];
may.admin = [...may.manager, 'technician', 'admin'];

export function makePeople(scene) {
  let who = scene === 'admin' ? { name: 'Ana Kim', role: 'admin', screen: false } : scene === 'technician' ? { name: 'Olga Berg', role: 'technician', screen: false } : null;
  const open = !['login', 'admin', 'technician'].includes(scene);
  const accounts = [['Ana Kim', 'admin', 1], ['Jon Vega', 'manager', 1], ['Mai Tran', 'qa', 0], ['Operators line 2', 'operator', 3], ['Piotr Zając', 'technician', 0]]
    .map(([name, role, sessions], i) => ({ account: i + 1, name, role, active: name !== 'Piotr Zając', badge_ms: role === 'operator' ? past(12) : null, made_ms: past(90 - i * 9), made_by: i === 0 ? 'first link' : 'Ana Kim', sessions }));
  let screens = [{ screen: 4, name: 'Wall, line 2', since_ms: past(40), by: 'Piotr Zając' }, { screen: 9, name: 'Tablet at slot 9', since_ms: past(3), by: 'Ana Kim' }];
  let confirmed = false;
  const languages = new Map();
  let holder = null;
  const good = (body, status = 200) => ({ status, body });
  const bad = (status, code, detail) => ({ status, body: { type: `/problems/${code}`, title: detail, status, detail, code } });
  return {
    closed: () => !open && who === null,
    get(path) {
      if (path === '/api/v1/session') {
        const role = open ? 'admin' : who?.screen === true && holder !== null ? 'operator' : who?.role ?? 'anyone';
        return { open, name: (who?.screen === true ? holder?.name : null) ?? who?.name ?? null, language: who === null ? null : languages.get(who.name) ?? null, role, may: may[role], scan: { prefix: 'F9', end: 'Enter' }, use: scene === 'training' ? 'training' : 'production', holder: who?.screen === true ? holder : null, ...(who && { screen: who.screen }) };
      }
      if (path === '/api/v1/accounts' && who) return { accounts };
      if (path === '/api/v1/screens' && who) return { screens };
      if (path === '/api/v1/badges') return { holders: accounts.filter((one) => one.active).map(({ account, name, badge_ms }) => ({ account, name, badge_ms })), printer: true };
      return null;
    },
    post(path, body) {
      if (path === '/api/v1/session') {
        const one = accounts.find((each) => each.active && each.name.toLowerCase() === body.name.trim().toLowerCase());
        if (!one || body.password !== 'correct horse 1') return bad(401, 'people.login', 'Name or password is wrong. 2 more tries without a pause');
        who = { name: one.name, role: one.role, screen: false };
        return good(who);
      }
      if (path === '/api/v1/session/language') {
        if (who === null) return bad(409, 'request.conflict', 'This is no account’s log-in');
        languages.set(who.name, body.language);
        return good({});
      }
      if (path === '/api/v1/session/first') { who = { name: body.name, role: 'admin', screen: false }; return good(who); }
      if (path === '/api/v1/session/badge') {
        if (who?.screen !== true || body.code.toUpperCase() !== 'LSB1:ABCDEFGHIJKLMNOPQRSTUVWXYZ') return bad(403, 'people.badge', 'This badge opens nothing here');
        holder = { name: 'Olu Ade', until_ms: Date.now() + 8 * 3_600_000 };
        return good(holder);
      }
      const [, badgeOf, revoke] = /^\/api\/v1\/accounts\/(\d+)\/badge(\/revoke)?$/.exec(path) ?? [];
      if (badgeOf) {
        accounts.find((each) => String(each.account) === badgeOf).badge_ms = revoke ? null : Date.now();
        return good({ done: true });
      }
      if (path === '/api/v1/screens/ask') return good({ code: '427019', ticket: 'ticket' });
      if (path === '/api/v1/screens/take') {
        if (!confirmed) return good({ waiting: true }, 202);
        who = { name: 'Wall', role: 'display', screen: true };
        return good(who);
      }
      if (path === '/api/v1/screens') {
        if (body.code !== '427019') return bad(404, 'request.unknown', 'No screen shows this code');
        confirmed = true;
        screens.push({ screen: 20, name: body.name, since_ms: Date.now(), by: who?.name ?? '' });
        return good({ screen: 20, name: body.name }, 201);
      }
      if (path === '/api/v1/accounts') {
        if (accounts.some((each) => each.name.toLowerCase() === body.name.toLowerCase())) return bad(409, 'request.conflict', `There is an account ${body.name} already`);
        accounts.push({ account: accounts.length + 1, name: body.name, role: body.role, active: true, made_ms: Date.now(), made_by: who?.name ?? '', sessions: 0, badge_ms: null });
        return good({ account: accounts.length, name: body.name }, 201);
      }
      const [, id, what] = /^\/api\/v1\/accounts\/(\d+)\/(role|password|close)$/.exec(path) ?? [];
      const one = accounts.find((each) => String(each.account) === id);
      if (one) {
        if (one.role === 'admin' && (what === 'close' || (what === 'role' && body.role !== 'admin'))) return bad(409, 'request.conflict', 'This is the only admin: make another one first, or nobody could let anybody in');
        if (what === 'role') one.role = body.role;
        if (what === 'close') one.active = false;
        return good({ done: true });
      }
      const [, revoked] = /^\/api\/v1\/screens\/(\d+)\/revoke$/.exec(path) ?? [];
      if (revoked) { screens = screens.filter((each) => String(each.screen) !== revoked); return good({ done: true }); }
      return null;
    },
    out() { who = null; },
    endShift() { holder = null; },
  };
}
