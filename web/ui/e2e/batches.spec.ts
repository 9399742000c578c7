// SPDX-License-Identifier: Apache-2.0
// Generating a batch in a browser. Over the mock alone: what is made on a station stays.
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
