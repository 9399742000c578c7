// SPDX-License-Identifier: Apache-2.0
// A wall in turn with its numbers, and a language that goes with the account. Over the mock alone.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBench, type Bench } from './bench';

const own = async (scene: 'empty' | 'admin'): Promise<Bench> => {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  const bench = await openBench(scene);
  if (url !== undefined) process.env.LINESIDE_URL = url;
  return bench;
};

describe('wall in turn', () => {
  let bench: Bench;
  beforeAll(async () => { bench = await own('empty'); });
  afterAll(() => bench.close());

  it('shows the numbers, gives way to a hand, and stays on the tiles while a verdict waits', async () => {
    const { page } = await bench.newPage({ width: 1920, height: 1080 });
    await page.goto(`${bench.url}/?rotate=5`);
    await page.waitForSelector('[data-wall-numbers] [data-figure=made]', { timeout: 15_000 });
    expect(await page.isVisible('.grid')).toBe(false);
    await page.mouse.click(600, 700);
    await page.waitForSelector('[data-wall-numbers]', { state: 'detached' });
    expect(await page.isVisible('.grid')).toBe(true);
    await page.waitForSelector('[data-wall-numbers]', { timeout: 15_000 });
    await fetch(`${bench.url}/mock/change`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ slot: '3', kind: 'fail', changes: {} }) });
    await page.waitForSelector('[data-wall-numbers]', { state: 'detached' });
    await page.waitForTimeout(6000);
    expect(await page.isVisible('[data-wall-numbers]')).toBe(false);
    await page.click('[data-turns=true]');
    expect(new URL(page.url()).search).toBe('');
    await page.close();
  });
});

describe('language', () => {
  let bench: Bench;
  beforeAll(async () => { bench = await own('admin'); });
  afterAll(() => bench.close());

  it('is kept with the account, and taken at the next page that knows nothing of it', async () => {
    const page = await bench.browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
    await page.goto(`${bench.url}/people`);
    await page.waitForSelector('select[data-language=en]');
    await page.selectOption('select[data-language]', 'de');
    await page.waitForSelector('select[data-language=de]');
    expect(await bench.get<{ language: string }>('/api/v1/session')).toMatchObject({ language: 'de' });
    await page.evaluate(() => localStorage.clear());
    await page.goto(`${bench.url}/people`);
    await page.waitForSelector('select[data-language=de]');
    expect(await page.textContent('nav')).toContain('Aufträge');
    await page.close();
  });
});
