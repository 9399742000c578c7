// SPDX-License-Identifier: Apache-2.0
// The mock speaks as web/api/openapi.yaml says; so a page that works over the mock works over that page's station.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mock } from '../mock/server.mjs';
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
    ['/api/v1/records?limit=20', '/api/v1/records'], ['/api/v1/images', '/api/v1/images'], ['/api/v1/orders', '/api/v1/orders'],
  ])('%s', async (path, route) => {
    expect(answerComplaints(route, await get(path))).toEqual([]);
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
    const refused = await fetch(`${base}/api/v1/slots/99/retry`, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: '{"job":1}' });
    expect(refused.status).toBe(404);
    expect(complaints('Problem', await refused.json())).toEqual([]);
  });

  it('the checker finds what is wrong', () => {
    expect(complaints('Beat', { mono_ns: 1.5 })).toEqual(['Beat: at is missing', 'Beat.mono_ns: number is not integer']);
    expect(complaints('LeaseState', 'lost')).toHaveLength(1);
  });
});
