// SPDX-License-Identifier: Apache-2.0
// The desk pages in a browser, and the station's answers against openapi.yaml.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Numbers, RecordsAnswer, Wall } from '../src/api/types';
import { answerComplaints, complaints } from '../test/schema';
import { openBench, scan, until, type Bench, waitMs } from './bench';

let bench: Bench;
beforeAll(async () => { bench = await openBench(); });
afterAll(() => bench.close());

const desk = { width: 1280, height: 800 };

async function someUnit(): Promise<number | null> {
  const wall = await bench.get<Wall>('/api/v1/wall');
  const onWall = wall.tiles.find((tile) => tile.unit !== null)?.unit ?? null;
  return onWall ?? (await bench.get<RecordsAnswer>('/api/v1/records?limit=1')).rows[0]?.unit ?? null;
}

describe('contract', () => {
  it.each(['/api/v1/wall', '/api/v1/clock', '/api/v1/pool', '/api/v1/records', '/api/v1/images', '/api/v1/orders', '/api/v1/session'])('%s', async (path) => {
    expect(answerComplaints(path, await bench.get(path))).toEqual([]);
  });

  it('a unit and its job', async (context) => {
    const unit = await someUnit();
    if (unit === null) context.skip();
    const answer = await bench.get<{ attempts: { job: number }[] }>(`/api/v1/units/${unit}`);
    expect(complaints('Unit', answer)).toEqual([]);
    const job = answer.attempts[0]?.job;
    if (job !== undefined) expect(complaints('Job', await bench.get(`/api/v1/jobs/${job}`))).toEqual([]);
  });

  it('what is not there is a problem+json', async () => {
    const response = await fetch(`${bench.url}/api/v1/nothing`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(complaints('Problem', await response.json())).toEqual([]);
  });
});

describe('pages', () => {
  it('a scan finds a unit and goes to no field; typing does', async () => {
    // A line that was just started has judged nothing yet.
    const known = async (): Promise<string | null> => (await bench.get<RecordsAnswer>('/api/v1/records?limit=100')).rows.find((row) => row.serial !== null)?.serial ?? null;
    await expect.poll(known, { timeout: waitMs, interval: 500 }).not.toBeNull();
    const serial = await known() ?? '';
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/records`);
    await page.waitForSelector('.records tbody tr');
    await page.focus('.find input');
    await page.keyboard.type('abc');
    await scan(page, 'no-such-thing');
    await until(page, () => document.querySelector('[data-said]')?.textContent?.includes('no-such-thing') === true, null);
    expect(await page.inputValue('.find input')).toBe('abc');
    expect(page.url()).toContain('/records');
    await scan(page, serial.toLowerCase());
    // A unit whose verdict waits on the wall is acknowledged there, any other is shown. What the station answers of the slot, on a line
    // that goes on meanwhile, stands in place of what was read.
    await until(page, (of) => {
      const said = document.querySelector('[data-said]')?.textContent ?? '';
      return /^\/units\/\d+$/.test(location.pathname) || said.includes(of) || said.startsWith('Slot ');
    }, serial.toLowerCase());
    expect(errors).toEqual([]);
    await page.close();
  });

  it('a scan acknowledges the slot where its verdict waits', async (context) => {
    if (bench.real) context.skip();
    const { page, errors } = await bench.newPage();
    await page.goto(`${bench.url}/`);
    await page.waitForSelector('.wall[data-live=live] [data-ack=ready][data-outcome=PASS]');
    const slot = await page.getAttribute('[data-ack=ready][data-outcome=PASS]', 'data-slot');
    const serial = (await bench.get<Wall>('/api/v1/wall')).tiles.find((tile) => tile.slot === slot)?.serial ?? '';
    await scan(page, serial);
    await until(page, (of) => document.querySelector(`[data-slot="${of}"]`)?.getAttribute('data-ack') !== 'ready', slot);
    expect(errors).toEqual([]);
    await page.close();
  });
  it('records: filters are kept under a name and forgotten', async () => {
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/records?result=FAIL&operator=plug-in`);
    await page.waitForSelector('.figures');
    await page.fill('[data-form=save-filters] [name=name]', 'failed by nobody');
    await page.click('[data-form=save-filters] [type=submit]');
    await page.goto(`${bench.url}/records`);
    await page.waitForSelector('[data-saved="failed by nobody"] a');
    await page.click('[data-saved="failed by nobody"] a');
    await until(page, () => location.search === '?result=FAIL&operator=plug-in', null);
    await page.click('[data-saved="failed by nobody"] button');
    await until(page, () => document.querySelector('[data-saved]') === null, null);
    expect(errors).toEqual([]);
    await page.close();
  });
  it('hand-over: what was made, what failed, what is left; printed without the page around it', async () => {
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/handover`);
    await page.waitForSelector('[data-sheet=pools] p');
    // Each sheet comes with an answer of its own, in any order.
    for (const part of ['[data-sheet=failed]', '[data-sheet=slots]', '[data-sheet=wall]', '[data-sheet=notes]', '[data-figure=made]']) await page.waitForSelector(part);
    await page.fill('#notes', 'slot 7: cable changed');
    const before = await page.inputValue('[name=since]');
    const earlier = `${new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10)}T06:00`;
    await page.fill('[name=since]', earlier);
    expect(before).not.toBe(earlier);
    await page.emulateMedia({ media: 'print' });
    expect(await page.isVisible('.desk-head')).toBe(false);
    expect(await page.isVisible('[data-print]')).toBe(false);
    expect(await page.isVisible('#notes')).toBe(true);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('unit: proofs, facts, timeline, log', async (context) => {
    const unit = await someUnit();
    if (unit === null) context.skip();
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/units/${unit}`);
    await page.waitForSelector('.unit-page');
    expect(await page.$$('[data-proof]')).toHaveLength(3);
    expect((await page.$$('[data-fact]')).length).toBeGreaterThan(0);
    await page.waitForSelector('.log-box');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('records: filter goes into the address, rows follow', async () => {
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/records`);
    await page.waitForSelector('.figures');
    await page.uncheck('input[name="PASS"]');
    await until(page, () => location.search.includes('result='), null);
    await until(page, () => [...document.querySelectorAll('.records tbody tr')].every((row) => row.getAttribute('data-outcome') !== 'PASS'), null);
    expect(new URL(page.url()).searchParams.get('result')).toBe('FAIL,ERROR,ABORTED');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('pool: gauge and batches; a bad file is named line by line and loads nothing', async () => {
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/pool`);
    await page.waitForSelector('main h1');
    await page.goto(`${bench.url}/pool/load`);
    const before = await bench.get<{ batches: unknown[] }>('/api/v1/pool');
    await page.setInputFiles('[data-file]', {
      name: 'bad.csv', mimeType: 'text/csv',
      buffer: Buffer.from('serial,token\nZZ-1,token-a\nrc26-05042,token-b\nzz-1,token-c\nZZ-3,blank in it\n'),
    });
    await page.fill('input[name="pool"]', 'e2e-pool');
    await page.fill('input[name="batch"]', 'e2e-bad');
    await page.click('[data-check]');
    await page.waitForSelector('[data-preview="reject"]');
    expect((await page.$$('.complaint.bad')).length).toBeGreaterThan(0);
    expect(await page.textContent('main')).not.toContain('token-c');
    expect((await bench.get<{ batches: unknown[] }>('/api/v1/pool')).batches).toHaveLength(before.batches.length);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('numbers: what was made, and the same as a table', async () => {
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/numbers`);
    await page.waitForSelector('[data-figure="made"]');
    const until = Date.now() + 3_600_000;
    const answer = await bench.get<Numbers>(`/api/v1/numbers?since=${until - 8 * 3_600_000}&until=${until}`);
    expect(complaints('Numbers', answer)).toEqual([]);
    if (answer.sums.made > 0) {
      await page.waitForSelector('[data-chart="made"] .chart-bar');
      await page.click('[data-chart="made"] summary');
      const rows = await page.$$eval('[data-chart="made"] tbody tr', (all) => all.map((row) => Number(row.lastElementChild?.textContent?.replace(/,/g, ''))));
      expect(rows.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);
    }
    expect(errors).toEqual([]);
    await page.close();
  });

  it('an unknown address says so', async () => {
    const { page } = await bench.newPage(desk);
    await page.goto(`${bench.url}/nowhere`);
    await page.waitForSelector('h1');
    expect(await page.textContent('h1')).toBe('There is no such page');
    await page.close();
  });
});
