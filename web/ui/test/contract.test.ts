// SPDX-License-Identifier: Apache-2.0
// The mock speaks as web/api/openapi.yaml says; so a page that works over the mock works over that page's station.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mock } from '../mock/server.mjs';
import type { BatchAccount, BatchCheck, BatchLoaded, PoolPage } from '../src/api/types';
import { filmOf } from '../src/parts/film';
import { answerComplaints, complaints } from './schema';

const server = mock({ scene: 'all', still: true });
let base = '';
beforeAll(async () => {
  base = `http://127.0.0.1:${await server.listen(0)}`;
});
afterAll(() => server.close());

const get = async (path: string): Promise<unknown> => (await fetch(base + path)).json();

describe('mock against openapi.yaml', () => {
  it.each([
    ['/api/v1/wall', '/api/v1/wall'], ['/api/v1/clock', '/api/v1/clock'], ['/api/v1/pool', '/api/v1/pool'],
    ['/api/v1/records?limit=20', '/api/v1/records'], ['/api/v1/images', '/api/v1/images'], ['/api/v1/orders', '/api/v1/orders'], ['/api/v1/shifts', '/api/v1/shifts'], ['/api/v1/wall/numbers', '/api/v1/wall/numbers'],
    ['/api/v1/session', '/api/v1/session'], ['/api/v1/slots?since=1763600400000&until=1763629200000', '/api/v1/slots'], ['/api/v1/ports', '/api/v1/ports'], ['/api/v1/recipes', '/api/v1/recipes'], ['/api/v1/doctor', '/api/v1/doctor'], ['/api/v1/labels', '/api/v1/labels'], ['/api/v1/numbers?since=1763600400000&until=1763629200000', '/api/v1/numbers'],
  ])('%s', async (path, route) => {
    expect(answerComplaints(route, await get(path))).toEqual([]);
  });

  it('people', async () => {
    const other = mock({ scene: 'admin', still: true });
    const url = `http://127.0.0.1:${await other.listen(0)}`;
    for (const path of ['/api/v1/session', '/api/v1/accounts', '/api/v1/screens', '/api/v1/badges']) {
      expect(answerComplaints(path, await (await fetch(url + path)).json())).toEqual([]);
    }
    other.close();
  });

  it('units and jobs of every tile', async () => {
    const wall = (await get('/api/v1/wall')) as { tiles: { unit: number | null; job: number | null }[] };
    for (const { unit, job } of wall.tiles) {
      if (unit === null) continue;
      expect(complaints('Unit', await get(`/api/v1/units/${unit}`))).toEqual([]);
      expect(complaints('Job', await get(`/api/v1/jobs/${job}`))).toEqual([]);
    }
  });

  it('batch check and problems', async () => {
    const headers = { 'Content-Type': 'text/csv', 'X-Lineside': '1' };
    const preview = await fetch(`${base}/api/v1/pool/preview?pool=p&batch=b&file=f.csv`, { method: 'POST', headers, body: 'serial,token\nrc26-05042,x\n' });
    expect(complaints('BatchCheck', await preview.json())).toEqual([]);
    const taken = await fetch(`${base}/api/v1/pool/preview?pool=reeplayer-crc&batch=2611-b&file=f.csv`, { method: 'POST', headers, body: 'serial,token\nX1,x\n' });
    expect(taken.status).toBe(409);
    expect(complaints('Problem', await taken.json())).toEqual([]);
    const refused = await fetch(`${base}/api/v1/slots/99/retry`, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: '{"job":1}' });
    expect(refused.status).toBe(404);
    expect(complaints('Problem', await refused.json())).toEqual([]);
  });

  const post = async (path: string, body: object): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(base + path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Lineside': '1' }, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  it('orders and images', async () => {
    const other = mock({ scene: 'orders', still: true });
    const url = `http://127.0.0.1:${await other.listen(0)}`;
    const say = async (path: string, body: object): Promise<{ status: number; body: unknown }> => {
      const response = await fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Lineside': '1' }, body: JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    };
    for (const path of ['/api/v1/orders', '/api/v1/images']) expect(answerComplaints(path, await (await fetch(url + path)).json())).toEqual([]);
    const image = ((await (await fetch(`${url}/api/v1/images`)).json()) as { images: { id: string }[] }).images[0]?.id ?? '';
    expect((await say(`/api/v1/images/${image}/release`, {})).body).toMatchObject({ id: image, release: { may_start: true, how: 'two' } });
    expect((await say(`/api/v1/images/${image}/release`, {})).status).toBe(409);
    const withdrawn = await say(`/api/v1/images/${image}/withdraw`, { reason: 'wrong firmware' });
    expect(complaints('ImageRelease', (withdrawn.body as { release: unknown }).release)).toEqual([]);
    const closed = await say('/api/v1/orders/2611-07/close', { reason: 'done' });
    expect(complaints('OrderAccount', (closed.body as { account: unknown }).account)).toEqual([]);
    const taken = await say('/api/v1/orders', { name: '2611-07', profile: 'crc-nx', pool: 'reeplayer-crc', quantity: 1 });
    expect(taken.status).toBe(409);
    expect(complaints('Problem', taken.body)).toEqual([]);
    other.close();
  });

  it('recipes are checked, saved once, and refused where somebody else was faster; a film has all of a tile', async () => {
    const now = (await get('/api/v1/recipes')) as { text: string; revision: string };
    const edit = { text: now.text.replace('"flash"', '"flsh"'), revision: now.revision };
    const bad = await post('/api/v1/recipes/check', edit);
    expect(complaints('RecipeCheck', bad.body)).toEqual([]);
    expect(bad).toMatchObject({ status: 200, body: { verdict: 'reject', errors: [{ field: 'recipe.step.use', remedy: "did you mean 'flash'?" }] } });
    const good = { text: now.text.replace('2.11.0', '2.12.0'), revision: now.revision };
    expect(complaints('RecipeCheck', (await post('/api/v1/recipes/check', { ...good, orders: true })).body)).toEqual([]);
    expect(await post('/api/v1/recipes', good)).toMatchObject({ status: 400 });
    const saved = await post('/api/v1/recipes', { ...good, reason: 'new camera software' });
    expect(complaints('RecipeText', saved.body)).toEqual([]);
    expect(saved).toMatchObject({ status: 200, body: { in_force: false, saved: { reason: 'new camera software' } } });
    expect(await post('/api/v1/recipes', { ...good, reason: 'again' })).toMatchObject({ status: 409, body: { code: 'request.conflict' } });
    const film = filmOf(await (await fetch(`${base}/api/v1/jobs/7/replay`)).text());
    expect(film?.whole).toBe(true);
    expect(complaints('FilmHead', film?.head)).toEqual([]);
    for (const frame of film?.frames ?? []) expect(complaints('Tile', frame.tile)).toEqual([]);
  });

  const accounts = async (): Promise<BatchAccount[]> => {
    const { batches } = (await get('/api/v1/pool')) as PoolPage;
    return Promise.all(batches.map(async (one) => (await get(`/api/v1/pool/batches/${one.name}/account`)) as BatchAccount));
  };

  it('a range is previewed, generated, and refused when its serials are had', async () => {
    const range = { pool: 'camera', batch: 'C-1', prefix: 'C', width: 4, count: 30, check: 'luhn', check_counter_only: true, token_length: 32 };
    const preview = await post('/api/v1/pool/generate', { ...range, preview: true });
    expect(complaints('BatchCheck', preview.body)).toEqual([]);
    expect(preview).toMatchObject({ status: 200, body: { verdict: 'accept', count: 30, lines: 30 } });
    expect((preview.body as BatchCheck).sample?.[0]).toEqual({ line: 2, serial: 'C00018', token_length: 32 });
    const made = await post('/api/v1/pool/generate', range);
    expect(made).toMatchObject({ status: 201, body: { count: 30, left: 30, batch: { name: 'C-1', source: 'generated', loaded_by: 'page' } } });
    expect(complaints('Batch', (made.body as BatchLoaded).batch)).toEqual([]);
    const again = await post('/api/v1/pool/generate', { ...range, batch: 'C-2' });
    expect(again).toMatchObject({ status: 422, body: { code: 'batch.refused', check: { verdict: 'reject', count: 0, errors_total: 30 } } });
    expect(complaints('Problem', again.body)).toEqual([]);
    expect(answerComplaints('/api/v1/pool', await get('/api/v1/pool'))).toEqual([]);
    const taken = await post('/api/v1/pool/generate', { ...range, from: 900, preview: true });
    expect(taken).toMatchObject({ status: 409, body: { code: 'batch.exists', detail: 'There is a batch C-1 already' } });
    const noOrder = await post('/api/v1/pool/generate', { ...range, batch: 'C-3', from: 900, order: 'none', preview: true });
    expect(noOrder).toMatchObject({ status: 400, body: { detail: 'order: there is no open order none' } });
    for (const wrong of [{ pool: 'camera' }, { pool: 'camera', count: '5' }, { ...range, tokens: 3 }, { ...range, count: 1.5 }]) {
      expect(await post('/api/v1/pool/generate', wrong)).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    }
  });

  it('accounts add up, and say that a batch ended once', async () => {
    for (const one of await accounts()) {
      expect(complaints('BatchAccount', one)).toEqual([]);
      expect(one.passed + one.scrapped + one.in_doubt + one.at_work + one.left).toBe(one.loaded);
    }
    expect(await post('/api/v1/pool/batches/2611-b/withdraw', { reason: 'no' })).toMatchObject({ status: 409, body: { code: 'request.conflict' } });
    expect(await post('/api/v1/pool/batches/2611-b/close', {})).toMatchObject({ status: 409, body: { detail: expect.stringContaining('close it when they are done') as string } });
    expect(await post('/api/v1/pool/batches/2611-c/withdraw', {})).toMatchObject({ status: 400 });
    const withdrawn = await post('/api/v1/pool/batches/2611-c/withdraw', { reason: 'wrong prefix' });
    expect(withdrawn).toMatchObject({ status: 200, body: { state: 'withdrawn', left: 50 } });
    expect(await post('/api/v1/pool/batches/2611-c/withdraw', { reason: 'wrong prefix' })).toMatchObject({ status: 409, body: { detail: 'Batch 2611-c is withdrawn already' } });
    expect(await post('/api/v1/pool/batches/2610-a/close', {})).toMatchObject({ status: 200, body: { state: 'closed', loaded: 400, in_doubt: 1 } });
    expect(await post('/api/v1/pool/batches/2610-a/close', {})).toMatchObject({ status: 409 });
    expect(await post('/api/v1/pool/batches/2610-a/close', { reason: 'x' })).toMatchObject({ status: 400 });
    expect(await post('/api/v1/pool/batches/none/close', {})).toMatchObject({ status: 404 });
    expect((await accounts()).find((one) => one.batch === '2610-a')).toMatchObject({ state: 'closed', loaded: 400 });
  });

  it('the checker finds what is wrong', () => {
    expect(complaints('Beat', { mono_ns: 1.5 })).toEqual(['Beat: at is missing', 'Beat.mono_ns: number is not integer']);
    expect(complaints('LeaseState', 'lost')).toHaveLength(1);
  });
});
