// SPDX-License-Identifier: Apache-2.0
// A client made by strangers' tools from openapi.yaml alone: types by openapi-typescript, calls by openapi-fetch. It makes each call the
// dashboard makes; that it compiles is half of the test (`npm run check`), the other half is what the mock says to it.
import createClient from 'openapi-fetch';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { paths } from '../src/api/generated';
import { mock } from '../mock/server.mjs';

const server = mock({ scene: 'all', still: true });
let client: ReturnType<typeof createClient<paths>>;
beforeAll(async () => {
  client = createClient<paths>({ baseUrl: `http://127.0.0.1:${await server.listen(0)}` });
});
afterAll(() => server.close());

const header = { 'X-Lineside': '1' } as const;
const span = { since: '1763600400000', until: '1763629200000' };
const csv = { pool: 'p', batch: 'b', file: 'f.csv' };
const text = { bodySerializer: (body: unknown) => String(body), headers: { 'Content-Type': 'text/csv' } };
const order = { name: 'O-1', profile: 'crc-nx', pool: 'reeplayer-crc', quantity: 1 };
const range = { pool: 'camera', batch: 'C-1', prefix: 'C', width: 4, count: 3, token_length: 32 };

const reads = {
  getWall: () => client.GET('/api/v1/wall'),
  getClock: () => client.GET('/api/v1/clock'),
  getUnit: () => client.GET('/api/v1/units/{unit}', { params: { path: { unit: 2 } } }),
  getJob: () => client.GET('/api/v1/jobs/{job}', { params: { path: { job: 2 } } }),
  getJobContext: () => client.GET('/api/v1/jobs/{job}/context', { params: { path: { job: 2 } } }),
  getPool: () => client.GET('/api/v1/pool'),
  getBatchAccount: () => client.GET('/api/v1/pool/batches/{batch}/account', { params: { path: { batch: '2611-b' } } }),
  getOrders: () => client.GET('/api/v1/orders'),
  getImages: () => client.GET('/api/v1/images'),
  getNumbers: () => client.GET('/api/v1/numbers', { params: { query: span } }),
  getWallNumbers: () => client.GET('/api/v1/wall/numbers'),
  getShifts: () => client.GET('/api/v1/shifts'),
  getRecords: () => client.GET('/api/v1/records', { params: { query: { limit: 20, result: 'PASS,FAIL' } } }),
  getSession: () => client.GET('/api/v1/session'),
  getSlots: () => client.GET('/api/v1/slots', { params: { query: span } }),
  getPorts: () => client.GET('/api/v1/ports'),
  getLabels: () => client.GET('/api/v1/labels'),
  getBadges: () => client.GET('/api/v1/badges'),
  getRecipes: () => client.GET('/api/v1/recipes'),
  getDoctor: () => client.GET('/api/v1/doctor'),
};

const job = { params: { path: { slot: '1' }, header }, body: { job: 1 } };
const account = { path: { account: 2 }, header };
const presses = {
  acknowledgeSlot: () => client.POST('/api/v1/slots/{slot}/acknowledge', job),
  retrySlot: () => client.POST('/api/v1/slots/{slot}/retry', job),
  stopSlot: () => client.POST('/api/v1/slots/{slot}/stop', job),
  sendToRecovery: () => client.POST('/api/v1/slots/{slot}/recovery', job),
  reworkSlot: () => client.POST('/api/v1/slots/{slot}/rework', { ...job, body: { job: 1, reason: 'new lens' } }),
  voidSerial: () => client.POST('/api/v1/serials/{serial}/void', { params: { path: { serial: 'RC-1' }, header }, body: { reason: 'scrapped' } }),
  acknowledgePassed: () => client.POST('/api/v1/acknowledge-passed', { params: { header }, body: {} }),
  previewBatch: () => client.POST('/api/v1/pool/preview', { params: { query: csv, header }, body: 'serial,token\nA-1,x\n', ...text }),
  loadBatch: () => client.POST('/api/v1/pool/batches', { params: { query: csv, header }, body: 'serial,token\nA-1,x\n', ...text }),
  generateBatch: () => client.POST('/api/v1/pool/generate', { params: { header }, body: range }),
  withdrawBatch: () => client.POST('/api/v1/pool/batches/{batch}/withdraw', { params: { path: { batch: '2611-c' }, header }, body: { reason: 'wrong prefix' } }),
  closeBatch: () => client.POST('/api/v1/pool/batches/{batch}/close', { params: { path: { batch: '2610-a' }, header }, body: {} }),
  warnPoolAt: () => client.POST('/api/v1/pool/warn', { params: { header }, body: { pool: 'camera', warn_at: 20 } }),
  openOrder: () => client.POST('/api/v1/orders', { params: { header }, body: order }),
  pauseOrder: () => client.POST('/api/v1/orders/{order}/pause', { params: { path: { order: '2611-07' }, header }, body: {} }),
  resumeOrder: () => client.POST('/api/v1/orders/{order}/resume', { params: { path: { order: '2611-07' }, header }, body: {} }),
  closeOrder: () => client.POST('/api/v1/orders/{order}/close', { params: { path: { order: '2611-07' }, header }, body: { reason: 'done' } }),
  releaseImage: () => client.POST('/api/v1/images/{image}/release', { params: { path: { image: 'a'.repeat(64) }, header }, body: {} }),
  releaseImageInEmergency: () => client.POST('/api/v1/images/{image}/emergency', { params: { path: { image: 'a'.repeat(64) }, header }, body: { reason: 'line stands' } }),
  withdrawImage: () => client.POST('/api/v1/images/{image}/withdraw', { params: { path: { image: 'a'.repeat(64) }, header }, body: { reason: 'wrong firmware' } }),
  logIn: () => client.POST('/api/v1/session', { params: { header }, body: { name: 'ana', password: 'wrong' } }),
  logOut: () => client.DELETE('/api/v1/session', { params: { header } }),
  chooseLanguage: () => client.POST('/api/v1/session/language', { params: { header }, body: { language: 'de' } }),
  changeOwnPassword: () => client.POST('/api/v1/session/password', { params: { header }, body: { old: 'one', new: 'two' } }),
  useFirstLink: () => client.POST('/api/v1/session/first', { params: { header }, body: { code: 'x', name: 'Ana', password: 'a long sentence' } }),
  getAccounts: () => client.GET('/api/v1/accounts'),
  makeAccount: () => client.POST('/api/v1/accounts', { params: { header }, body: { name: 'Ben', role: 'operator', password: 'a long sentence' } }),
  changeRole: () => client.POST('/api/v1/accounts/{account}/role', { params: account, body: { role: 'qa' } }),
  givePassword: () => client.POST('/api/v1/accounts/{account}/password', { params: account, body: { password: 'a long sentence' } }),
  closeAccount: () => client.POST('/api/v1/accounts/{account}/close', { params: account, body: {} }),
  printBadge: () => client.POST('/api/v1/accounts/{account}/badge', { params: account, body: {} }),
  revokeBadge: () => client.POST('/api/v1/accounts/{account}/badge/revoke', { params: account, body: {} }),
  openShift: () => client.POST('/api/v1/session/badge', { params: { header }, body: { code: 'LSB1:X' } }),
  endShift: () => client.DELETE('/api/v1/session/badge', { params: { header } }),
  getScreens: () => client.GET('/api/v1/screens'),
  askForScreen: () => client.POST('/api/v1/screens/ask', { params: { header }, body: {} }),
  takeScreen: () => client.POST('/api/v1/screens/take', { params: { header }, body: { ticket: 'ticket' } }),
  confirmScreen: () => client.POST('/api/v1/screens', { params: { header }, body: { code: '123456', name: 'Wall' } }),
  revokeScreen: () => client.POST('/api/v1/screens/{screen}/revoke', { params: { path: { screen: 4 }, header }, body: {} }),
  cyclePower: () => client.POST('/api/v1/slots/{slot}/power', { params: { path: { slot: '1' }, header }, body: {} }),
  closeSlot: () => client.POST('/api/v1/slots/{slot}/close', { params: { path: { slot: '1' }, header }, body: { reason: 'warm' } }),
  reopenSlot: () => client.POST('/api/v1/slots/{slot}/reopen', { params: { path: { slot: '1' }, header }, body: { reason: 'new hub' } }),
  placeSlots: () => client.POST('/api/v1/layout', { params: { header }, body: { places: [{ slot: '1', line: 0, place: 0, hub: '' }] } }),
  mapPorts: () => client.POST('/api/v1/ports/mapping', { params: { header }, body: { on: true } }),
  savePorts: () => client.POST('/api/v1/ports', { params: { header }, body: { slots: [{ slot: '1', port: '1-1' }] } }),
  checkRecipes: () => client.POST('/api/v1/recipes/check', { params: { header }, body: { text: '', revision: '' } }),
  saveRecipes: () => client.POST('/api/v1/recipes', { params: { header }, body: { text: '', revision: '', reason: 'new board' } }),
  askLabel: () => client.POST('/api/v1/jobs/{job}/label', { params: { path: { job: 2 }, header }, body: {} }),
  copyLabel: () => client.POST('/api/v1/jobs/{job}/label/copy', { params: { path: { job: 2 }, header }, body: { reason: 'torn' } }),
  retryLabel: () => client.POST('/api/v1/labels/{label}/retry', { params: { path: { label: 1 }, header }, body: {} }),
  foundLabel: () => client.POST('/api/v1/labels/{label}/found', { params: { path: { label: 1 }, header }, body: {} }),
  checkLabel: () => client.POST('/api/v1/slots/{slot}/label', { ...job, body: { job: 1, code: 'RC-1' } }),
  skipLabel: () => client.POST('/api/v1/slots/{slot}/label/skip', { ...job, body: { job: 1, reason: 'printer is broken' } }),
};

// Bytes and streams, which the dashboard takes by address.
const byAddress = ['getJobLog', 'downloadJobLog', 'getCertificate', 'exportRecords', 'getEvents', 'getLabelPicture'];

describe('a generated client', () => {
  it.each(Object.keys(reads) as (keyof typeof reads)[])('%s', async (name) => {
    const { data, error, response } = await reads[name]();
    expect(error).toBeUndefined();
    expect(response.status).toBe(200);
    expect(data).toBeTypeOf('object');
  });

  it('reads what an answer holds, by its type', async () => {
    const { data } = await reads.getWall();
    expect(data?.tiles.map((tile) => tile.slot)).toContain('1');
    const { data: shifts } = await reads.getShifts();
    expect(shifts?.recent[0]?.until).toBeGreaterThan(shifts?.recent[0]?.since ?? Infinity);
  });

  it('gets a refusal as the page says', async () => {
    const { data, error, response } = await presses.withdrawImage();
    expect([data, response.status]).toEqual([undefined, 404]);
    expect(error?.code).toBe('request.unknown');
  });

  it('makes each call the dashboard makes', () => {
    const source = readFileSync(new URL('api_types.ts', import.meta.url), 'utf8');
    const called = [...source.matchAll(/^ {2}\w+: '.*$/gm)].flatMap(([line]) => [...line.matchAll(/: '(\w+)'/g)].map(([, name]) => name));
    expect(called.length).toBeGreaterThan(60);
    expect(called.filter((name) => name !== undefined && !(name in reads) && !(name in presses))).toEqual([]);
    const operations = readFileSync(new URL('../src/api/generated.d.ts', import.meta.url), 'utf8');
    for (const name of byAddress) expect(operations).toContain(`    ${name}: {`);
  });
});
