// SPDX-License-Identifier: Apache-2.0
// Labels and badges in a browser over the mock: a label scanned at its slot, the list of what is not printed, a badge at a screen.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { openBench, openWall, scan, until, type Bench } from './bench';

let bench: Bench;
const open = (scene: string): Promise<Bench> => {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  return openBench(scene).finally(() => { if (url !== undefined) process.env.LINESIDE_URL = url; });
};
afterEach(() => bench.close());

const post = (path: string, body: object): Promise<Response> => fetch(bench.url + path, {
  method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Lineside': '1' }, body: JSON.stringify(body),
});
const change = (slot: string, kind: string, changes: object): Promise<Response> => post('/mock/change', { slot, kind, changes });

async function says(page: Page, text: string): Promise<void> {
  await until(page, (wanted) => document.querySelector('.said')?.textContent?.includes(wanted) === true, text);
}
const state = (page: Page, slot: string): Promise<string | null> => page.getAttribute(`[data-slot="${slot}"]`, 'data-state');

describe('where tiles clear with their label', () => {
  beforeEach(async () => { bench = await open('8'); });

  it('the slot is picked first where several wait; a wrong label stays, the right one clears', async () => {
    const { page } = await openWall(bench);
    await change('2', 'labelScan', { job: 12, unit: 12, serial: 'RC26-00002' });
    await change('3', 'labelScan', { job: 13, unit: 13, serial: 'RC26-00003' });
    await until(page, () => document.querySelectorAll('[data-press=label]').length === 2, null);
    await scan(page, 'RC26-00003');
    await says(page, 'Several slots wait');
    expect(await state(page, '3')).toBe('needs_operator');
    await scan(page, '3');
    await says(page, 'Slot 3: scan its label now');
    await scan(page, 'RC26-00002');
    await says(page, 'Label of another unit');
    await until(page, () => document.querySelector('[data-slot="3"]')?.textContent?.includes('E46') === true, null);
    expect(await state(page, '2'), 'it was scanned at another slot').toBe('needs_operator');
    await page.click('[data-slot="3"]');
    await scan(page, 'RC26-00003');
    await says(page, 'right label');
    await until(page, () => document.querySelector('[data-slot="3"]')?.getAttribute('data-state') === 'empty', null);
    await scan(page, 'RC26-00002'); // waits alone
    await until(page, () => document.querySelector('[data-slot="2"]')?.getAttribute('data-state') === 'empty', null);
  });
});

describe('what is not printed', () => {
  beforeEach(async () => { bench = await open('mixed16'); });

  it('is tried again, found, or printed again with a reason', async () => {
    const { page, errors } = await bench.newPage({ width: 1280, height: 800 });
    await page.goto(`${bench.url}/labels`);
    await page.waitForSelector('[data-label]');
    expect(await page.locator('[data-doubt=true] [data-again]').count(), 'never by itself where it may be printed').toBe(0);
    await page.click('[data-label="3"] [data-again]');
    await until(page, () => document.querySelector('[data-label="3"]')?.getAttribute('data-label-state') === 'waiting', null);
    await page.click('[data-label="5"] [data-ask]');
    expect(await page.isDisabled('[data-label="5"] [type=submit]')).toBe(true);
    await page.click('[data-label="5"] [data-found]');
    await until(page, () => document.querySelector('[data-label="5"]') === null, null);
    expect(errors).toEqual([]);
  });
});

describe('a badge', () => {
  beforeEach(async () => { bench = await open('login'); });

  it('opens a screen, and is in no page and no answer', async () => {
    const { page } = await bench.newPage();
    const answers: string[] = [];
    page.on('response', (response) => {
      if (response.url().includes('/api/') && !response.url().includes('events')) void response.text().then((text) => answers.push(text), () => undefined);
    });
    await page.goto(bench.url);
    await until(page, () => document.querySelector('.screen-code')?.textContent === '427 019', null);
    await post('/api/v1/screens', { code: '427019', name: 'Wall' });
    await page.waitForSelector('[data-holder=""]', { timeout: 15_000 });
    await scan(page, 'LSB1:WRONGWRONGWRONGWRONGWRONGW');
    await says(page, 'This badge opens nothing here');
    await scan(page, 'LSB1:ABCDEFGHIJKLMNOPQRSTUVWXYZ');
    await says(page, 'Olu Ade works here now');
    await page.waitForSelector('[data-holder="Olu Ade"]');
    expect(await page.content()).not.toMatch(/lsb1:/i);
    expect(answers.join('\n')).not.toMatch(/lsb1:/i);
    expect(answers.length).toBeGreaterThan(3);
    expect(await page.evaluate(() => JSON.stringify(localStorage) + JSON.stringify(sessionStorage))).not.toMatch(/lsb1:/i);
    await page.click('[data-end-shift]');
    await page.waitForSelector('[data-holder=""]');
  });
});
