// SPDX-License-Identifier: Apache-2.0
// Generating, withdrawing and closing a batch in a browser. Over the mock alone: what is made on a station stays.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { PoolPage } from '../src/api/types';
import { openBench, until, type Bench } from './bench';

const desk = { width: 1280, height: 800 };
let bench: Bench;
beforeAll(async () => {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  bench = await openBench();
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

async function openPage(path: string): Promise<{ page: Page; posts: string[]; errors: string[] }> {
  const { page, errors } = await bench.newPage(desk);
  const posts: string[] = [];
  page.on('request', (request) => { if (request.method() === 'POST') posts.push(new URL(request.url()).pathname.replace('/api/v1/pool/', '')); });
  await page.goto(bench.url + path);
  await until(page, () => document.querySelector('.desk-live')?.textContent?.startsWith('Live') === true, null);
  return { page, posts, errors };
}

// Two presses before the page has drawn anything between them.
const pressTwice = (page: Page, what: string): Promise<void> => page.$eval(what, (button) => {
  (button as HTMLElement).click();
  (button as HTMLElement).click();
});
const batchesNow = async (): Promise<PoolPage['batches']> => (await bench.get<PoolPage>('/api/v1/pool')).batches;

describe('generate', () => {
  it('a refusal stands at its field, which has the focus; what was typed stays', async () => {
    const { page } = await openPage('/pool/generate?pool=reeplayer-crc');
    await page.fill('[name=prefix]', 'E2E-');
    await page.fill('[name=count]', '1200');
    await page.fill('[name=width]', '3');
    await page.fill('[name=token_length]', '32');
    await page.click('[data-check]');
    await page.waitForSelector('[data-problem=width]');
    expect(await page.textContent('[data-problem=width]')).toContain('give at least that width');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('width');
    expect(await page.inputValue('[name=prefix]')).toBe('E2E-');
    await page.close();
  });

  it('shows the range first, makes it once, and goes on behind it', async () => {
    const { page, posts, errors } = await openPage('/pool/generate?pool=reeplayer-crc');
    const before = (await batchesNow()).length;
    for (const [name, value] of Object.entries({ prefix: 'E2E-', count: '30', width: '4', token_length: '32', batch: 'e2e-1' })) await page.fill(`[name=${name}]`, value);
    await page.selectOption('[name=check]', 'luhn');
    await page.check('[name=check_counter_only]');
    await page.click('[data-check]');
    await page.waitForSelector('[data-preview=accept]');
    expect(await page.textContent('main')).toContain('E2E-00018');
    expect(await page.textContent('main')).toContain('E2E-00307');
    expect(await batchesNow()).toHaveLength(before);
    await pressTwice(page, '[data-load=yes]');
    await page.waitForSelector('[data-loaded="30"]');
    expect(posts).toEqual(['generate', 'generate']); // the preview, and one
    expect((await batchesNow())[0]).toMatchObject({ name: 'e2e-1', total: 30, source: 'generated' });
    await page.click('[data-loaded] button');
    expect(await page.inputValue('[name=from]')).toBe('31');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('names the serials that are had, and makes nothing', async () => {
    const { page } = await openPage('/pool/generate?pool=reeplayer-crc');
    const before = (await batchesNow()).length;
    for (const [name, value] of Object.entries({ prefix: 'RC26-0', from: '3900', count: '30', token_length: '32' })) await page.fill(`[name=${name}]`, value);
    await page.click('[data-check]');
    await page.waitForSelector('[data-preview=reject]');
    expect(await page.textContent('.complaint.bad')).toContain('No. 12');
    expect(await page.textContent('.complaint.bad')).toContain('in the pool already');
    await page.click('[data-load=no]');
    expect(await page.inputValue('[name=from]')).toBe('3900');
    expect(await batchesNow()).toHaveLength(before);
    await page.close();
  });
});

describe('end of a batch', () => {
  it('an untouched one is withdrawn with a reason, once', async () => {
    const { page, posts, errors } = await openPage('/pool?pool=reeplayer-crc');
    await page.click('[data-show="2611-c"]');
    await page.click('[data-ask="withdraw-2611-c"]');
    expect(await page.textContent('[data-reason="withdraw-2611-c"]')).toContain('This cannot be undone.');
    expect(await page.isDisabled('[data-reason="withdraw-2611-c"] .sure')).toBe(true);
    await page.fill('[name=reason]', 'wrong prefix');
    await pressTwice(page, '[data-reason="withdraw-2611-c"] .sure');
    await page.waitForSelector('[data-batch="2611-c"] [data-state=withdrawn]');
    expect(posts).toEqual(['batches/2611-c/withdraw']);
    await page.waitForSelector('[data-account="2611-c"][data-state=withdrawn]');
    expect(await page.textContent('[data-sum=left]')).toContain('50');
    expect(await page.$$('[data-ask^="withdraw-"], [data-ask^="close-"]')).toHaveLength(0);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('one that is at work cannot be closed, and the page says when', async () => {
    const { page } = await openPage('/pool?pool=reeplayer-crc&batch=2611-b');
    await page.waitForSelector('[data-ask="close-2611-b"]');
    expect(await page.$('[data-ask="withdraw-2611-b"]')).toBeNull();
    await page.click('[data-ask="close-2611-b"]');
    await page.fill('[name=reason]', '2611');
    expect(await page.isDisabled('[data-reason="close-2611-b"] .sure')).toBe(true);
    await page.fill('[name=reason]', '2611-B');
    await page.click('[data-reason="close-2611-b"] .sure');
    await page.waitForSelector('[data-reason="close-2611-b"] [role=alert]');
    expect(await page.textContent('[data-reason="close-2611-b"] [role=alert]')).toContain('close it when they are done');
    await page.close();
  });

  it('one is closed by its name, once, and its account stays to be read', async () => {
    const { page, posts, errors } = await openPage('/pool?pool=reeplayer-crc&batch=2610-a');
    await page.click('[data-ask="close-2610-a"]');
    await page.fill('[name=reason]', '2610-a');
    await pressTwice(page, '[data-reason="close-2610-a"] .sure');
    await page.waitForSelector('[data-account="2610-a"][data-state=closed]');
    expect(posts).toEqual(['batches/2610-a/close']);
    await page.reload();
    await page.waitForSelector('[data-account="2610-a"][data-state=closed]');
    const figures = await page.$$eval('[data-sum] dd', (all) => all.map((one) => Number(one.textContent?.replace(/[^0-9]/g, ''))));
    expect(figures[0]).toBe(400);
    expect(figures.slice(1).reduce((sum, n) => sum + n, 0)).toBe(400);
    expect(await page.textContent('[data-account="2610-a"]')).toContain('Closed by page');
    expect(errors).toEqual([]);
    await page.close();
  });
});

describe('warning', () => {
  it('a manager says from how many serials on the station warns', async () => {
    const { page, errors } = await openPage('/pool?pool=reeplayer-crc');
    await page.click('[data-warn]');
    await page.fill('[data-warn-form] [name=warn_at]', '90');
    await page.click('[data-warn-form] [type=submit]');
    await until(page, () => document.querySelector('[data-warn]')?.textContent === 'Warns at 90 serials …', null);
    expect((await bench.get<PoolPage>('/api/v1/pool')).pools.find((pool) => pool.name === 'reeplayer-crc')?.warn_at).toBe(90);
    expect(errors).toEqual([]);
    await page.close();
  });
});
