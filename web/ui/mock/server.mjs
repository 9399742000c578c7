// SPDX-License-Identifier: Apache-2.0
// A stand-in for the station's HTTP side, for work on the page: serves dist/ and invented data, moves the percents,
// accepts presses. No part of the product; nothing here is read by the station.
//   node mock/server.mjs [--port 8480] [--scene mixed16|all|8|32|64|empty|blocked|none] [--still]
// Scenes can also be had by path: /?… is the page; the scene is chosen at start. POST /mock/silence stops the beats,
// POST /mock/drop cuts the streams, POST /mock/step moves one tile on.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as pages from './pages.mjs';
import { makeBench } from './bench.mjs';
import { makeLabels } from './labels.mjs';
import { numbers } from './numbers.mjs';
import { shifts, wallNumbers } from './shifts.mjs';
import { makeOrders } from './orders.mjs';
import { makePeople } from './people.mjs';
import { makePool } from './pool.mjs';
import { makeTechnician } from './technician.mjs';
import { stationOf, tile, tilesOf } from './states.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2', '.txt': 'text/plain; charset=utf-8',
};
const csp = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

export function mock({ scene = 'mixed16', still = true } = {}) {
  const tiles = tilesOf(scene);
  const streams = new Set();
  let seq = 9000;
  let silent = false;
  const rows = []; // what was journaled: {seq, slot}
  const mono = () => Number(process.hrtime.bigint());
  const stamp = () => ({ mono_ns: mono(), at: Date.now() });
  const people = makePeople(scene);
  const orders = makeOrders(scene, () => people.get('/api/v1/session').name ?? 'page');
  const pool = makePool(() => all('station', { station: station(), seq: null, ...stamp() }), orders.orders);
  const labels = makeLabels();
  const bench = makeBench(scene, tiles);
  const station = () => {
    const made = stationOf(tiles, scene);
    return made.pool === null ? made : { ...made, pool: { ...made.pool, left: pool.left() } };
  };
  const wall = () => ({ station: station(), tiles, layout: technician.layout(), seq, ...stamp() });

  const write = (res, event, data, id) =>
    res.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const all = (event, data, id) => streams.forEach((res) => write(res, event, data, id));
  const change = (slot, next) => {
    const at = tiles.findIndex((one) => one.slot === slot);
    tiles[at] = { ...next, slot, port: tiles[at].port, since: Date.now() };
    seq += 1;
    rows.push({ seq, slot });
    all('tile', { tile: tiles[at], seq, ...stamp(), replay: false }, seq);
    all('station', { station: station(), seq: null, ...stamp() });
    return { tile: tiles[at], seq };
  };
  const technician = makeTechnician(tiles, change, tile, () => { seq += 1; tiles.forEach((one) => { one.since += 1; }); all('reset', wall(), seq); });
  const problem = (res, status, code, detail, hint) => {
    res.writeHead(status, { 'Content-Type': 'application/problem+json' });
    res.end(JSON.stringify({ type: `/problems/${code}`, title: detail, status, detail, code, hint }));
  };
  const json = (res, body, status = 200) => {
    res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    res.end(JSON.stringify(body));
  };

  const answer = (res, { status, body }) => {
    res.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', 'Cache-Control': 'no-store' });
    res.end(JSON.stringify(body));
  };

  function events(req, res, url) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write('retry: 1000\n\n');
    const last = Number(req.headers['last-event-id'] ?? url.searchParams.get('last_event_id') ?? NaN);
    if (Number.isNaN(last) || last > seq || last < 9000) {
      write(res, 'reset', wall(), seq);
    } else {
      const newest = new Map(rows.filter((row) => row.seq > last).map((row) => [row.slot, row.seq]));
      for (const [slot, id] of newest) {
        write(res, 'tile', { tile: tiles.find((one) => one.slot === slot), seq: id, ...stamp(), replay: true }, id);
      }
      write(res, 'station', { station: station(), seq: null, ...stamp() });
    }
    write(res, 'beat', stamp());
    streams.add(res);
    res.on('close', () => streams.delete(res));
  }

  function press(res, url, body) {
    const [, slot, what] = /^\/api\/v1\/slots\/([^/]+)\/(\w+)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const now = tiles.find((one) => one.slot === slot);
    if (!now) return problem(res, 404, 'slot.unknown', 'There is no such slot.');
    if (now.job !== body.job) return problem(res, 409, 'slot.job_changed', 'Another job is on this slot by now.', 'Look again.');
    if (what === 'label' && now.ack === 'label') {
      if (body.code === now.serial) return json(res, change(slot, tile(slot, 'empty')));
      change(slot, tile(slot, 'labelWrong', { job: now.job, unit: now.unit, serial: now.serial }));
      return problem(res, 409, 'label.wrong', 'Label of another unit', 'Take right label');
    }
    if (what === 'acknowledge' && now.ack === 'ready') return json(res, change(slot, tile(slot, 'empty')));
    if (what === 'retry' && now.retry) return json(res, change(slot, tile(slot, 'preparing', { percent: 0 })));
    if (what === 'stop') return json(res, change(slot, tile(slot, 'stopped', { job: now.job, unit: now.unit })), 202);
    return problem(res, 409, 'slot.ack_not_ready', 'The unit is still in.', 'Take it out first.');
  }

  function file(res, path) {
    let at = normalize(join(dist, path));
    if (!at.startsWith(dist)) return problem(res, 404, 'http.not_found', 'No.');
    if (!existsSync(at) || statSync(at).isDirectory()) at = join(dist, 'index.html');
    res.writeHead(200, { 'Content-Type': types[extname(at)] ?? 'application/octet-stream', 'Content-Security-Policy': csp });
    createReadStream(at).pipe(res);
  }

  function get(req, res, url) {
    const path = url.pathname;
    const id = Number(/(\d+)/.exec(path.slice('/api/v1'.length))?.[1] ?? 0);
    if (path === '/api/v1/events') return events(req, res, url);
    if (path === '/api/v1/wall') return json(res, wall());
    if (path === '/api/v1/clock') return json(res, stamp());
    if (people.get(path)) return json(res, people.get(path));
    if (people.closed() && path.startsWith('/api/')) return problem(res, 401, 'people.needed', 'Nobody is logged in here', 'Log in');
    if (path === '/api/v1/pool') return json(res, pool.page());
    if (/^\/api\/v1\/pool\/batches\/[^/]+\/account$/.test(path)) return answer(res, pool.accountOf(decodeURIComponent(path.split('/')[5])));
    if (path === '/api/v1/records') return json(res, pages.records(url.searchParams));
    if (path === '/api/v1/records/export') {
      res.writeHead(200, { 'Content-Type': 'text/csv', 'Content-Disposition': 'attachment; filename="records.csv"' });
      return res.end('job\r\n');
    }
    if (bench.get(url)) return json(res, bench.get(url));
    if (technician.get(url)) return json(res, technician.get(url));
    if (path === '/api/v1/numbers') return json(res, numbers(url.searchParams));
    if (path === '/api/v1/images') return json(res, orders.images());
    if (path === '/api/v1/wall/numbers') return json(res, wallNumbers());
    if (path === '/api/v1/shifts') return json(res, shifts());
    if (path === '/api/v1/orders') return json(res, orders.orders());
    if (path.startsWith('/api/v1/units/')) return json(res, labels.ofUnit(pages.unit(id, tiles)));
    if (path === '/api/v1/labels') return json(res, labels.page());
    if (/^\/api\/v1\/jobs\/\d+\/label$/.test(path)) {
      res.writeHead(200, { 'Content-Type': 'image/svg+xml' });
      return res.end(labels.picture);
    }
    if (/^\/api\/v1\/jobs\/\d+\/replay$/.test(path)) {
      res.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' });
      return res.end(bench.film(id));
    }
    if (/^\/api\/v1\/jobs\/\d+\/context$/.test(path)) return json(res, pages.jobContext(id, tiles));
    if (/^\/api\/v1\/jobs\/\d+$/.test(path)) return json(res, pages.job(id, tiles));
    if (/^\/api\/v1\/jobs\/\d+\/log/.test(path)) {
      const piece = pages.log(id, tiles, url.searchParams);
      res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', ...piece.headers });
      return res.end(piece.bytes);
    }
    if (path.startsWith('/api/')) return problem(res, 404, 'http.not_found', 'There is no such thing here.');
    return file(res, path);
  }

  function post(req, res, url, body) {
    if (url.pathname === '/mock/silence') { silent = !silent; return json(res, { silent }); }
    if (url.pathname === '/mock/drop') { streams.forEach((one) => one.destroy()); return json(res, {}); }
    if (url.pathname === '/mock/change') return json(res, change(body.slot, tile(body.slot, body.kind, body.changes)));
    if (req.headers['x-lineside'] !== '1') return problem(res, 403, 'http.header', 'The header X-Lineside is missing.');
    const asked = people.post(url.pathname, body) ?? bench.post(url.pathname, body) ?? technician.post(url.pathname, body) ?? labels.post(url.pathname, body);
    if (asked) return answer(res, asked);
    if (url.pathname === '/api/v1/acknowledge-passed') {
      const ready = tiles.filter((one) => one.state === 'pass' && one.ack === 'ready').map((one) => one.slot);
      ready.forEach((slot) => change(slot, tile(slot, 'empty')));
      return json(res, { acknowledged: ready });
    }
    const ordered = orders.post(url.pathname, body);
    if (ordered) return answer(res, ordered);
    if (url.pathname === '/api/v1/pool/preview') return answer(res, pool.look(url.searchParams, body));
    if (url.pathname === '/api/v1/pool/batches') return answer(res, pool.load(url.searchParams, body));
    if (url.pathname === '/api/v1/pool/warn') return answer(res, pool.warn(body));
    if (url.pathname === '/api/v1/pool/generate') return answer(res, pool.generate(body));
    const [, batch, end] = /^\/api\/v1\/pool\/batches\/([^/]+)\/(withdraw|close)$/.exec(url.pathname) ?? [];
    if (end) return answer(res, pool.end(decodeURIComponent(batch), end, body));
    return press(res, url, body);
  }

  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://mock');
    if (req.method === 'DELETE' && url.pathname === '/api/v1/session') { people.out(); res.writeHead(204); return res.end(); }
    if (req.method === 'DELETE' && url.pathname === '/api/v1/session/badge') { people.endShift(); res.writeHead(204); return res.end(); }
    if (req.method !== 'POST') return get(req, res, url);
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      const text = Buffer.concat(parts).toString();
      post(req, res, url, req.headers['content-type'] === 'text/csv' ? text : JSON.parse(text || '{}'));
    });
    return undefined;
  });
  const beats = setInterval(() => { if (!silent) all('beat', stamp()); }, 1000);
  const moves = setInterval(() => {
    if (still || silent) return;
    for (const one of tiles) {
      if (one.percent === null || one.percent >= 100) continue;
      one.percent += 1;
      if (one.time_left_s !== null) one.time_left_s = Math.max(0, one.time_left_s - 3);
      all('progress', { slot: one.slot, job: one.job, stage: one.stage, percent: one.percent, time_left_s: one.time_left_s, mono_ns: mono() });
    }
  }, 500);
  return {
    listen: (port) => new Promise((done) => { server.listen(port, '127.0.0.1', () => done(server.address().port)); }),
    change,
    drop: () => streams.forEach((one) => one.destroy()),
    silence: (on) => { silent = on; },
    close: () => { clearInterval(beats); clearInterval(moves); streams.forEach((one) => one.destroy()); server.closeAllConnections(); server.close(); },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, otherwise) => {
    const at = process.argv.indexOf(`--${name}`);
    return at === -1 ? otherwise : process.argv[at + 1];
  };
  const made = mock({ scene: option('scene', 'mixed16'), still: process.argv.includes('--still') });
  const port = await made.listen(Number(option('port', '8480')));
  console.log(`http://127.0.0.1:${port}/`);
}
