// SPDX-License-Identifier: Apache-2.0
// A technician looks at the slots, closes and reopens one with a reason, and lays the wall out as the jig stands; over the mock.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { Wall } from '../src/api/types';
import { openBench, until, type Bench } from './bench';

const desk = { width: 1280, height: 800 };
let bench: Bench;
beforeAll(async () => {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  bench = await openBench('mixed16');
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

// A slot elsewhere is closed, and the page has drawn that.
async function drawnAnew(page: Page): Promise<void> {
  const before = await page.evaluate(() => window.__lineside.lastSeq ?? 0);
  const answer = await fetch(`${bench.url}/api/v1/slots/9/close`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-lineside': '1' }, body: '{"reason":"worn"}' });
  expect(answer.status).toBe(200);
  await until(page, (seq) => (window.__lineside.lastSeq ?? 0) > seq, before);
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
}

const has = (page: Page, what: string): Promise<void> => until(page, (sought) => document.querySelector(sought) !== null, what);

describe('slots', () => {
  it('says whom a fault follows; reopens and closes with a reason, and the wall follows', async () => {
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/slots`);
    await has(page, '[data-closed="7"] [data-follows=slot]');
    await page.click('[data-ask=reopen-7]');
    await page.fill('[data-reason=reopen-7] [name=reason]', 'new cable');
    await page.click('[data-reason=reopen-7] [type=submit]');
    await until(page, () => document.querySelector('[data-closed="7"]') === null, null);
    expect((await bench.get<Wall>('/api/v1/wall')).tiles.find((tile) => tile.slot === '7')?.state).toBe('empty');
    await page.click('[data-ask=close-13]');
    expect(await page.isDisabled('[data-reason=close-13] [type=submit]')).toBe(true);
    await page.fill('[data-reason=close-13] [name=reason]', 'bent pin');
    await page.click('[data-reason=close-13] [type=submit]');
    await has(page, '[data-closed="13"]');
    expect(await page.textContent('[data-closed="13"] .closing')).toContain('bent pin');
    expect(errors).toEqual([]);
    await page.close();
  });
});

describe('the wall as the jig stands', () => {
  it('is laid out by keys, by choosing, by dragging; open walls follow; the plain grid comes back', async () => {
    const wall = await bench.newPage({ width: 1920, height: 1080 });
    await wall.page.goto(bench.url);
    await has(wall.page, '.wall[data-live=live] .tile');
    const place = (slot: string): Promise<string> => wall.page.$eval(`[data-slot="${slot}"]`, (tile) => {
      const { gridRow, gridColumn } = (tile.parentElement as HTMLElement).style;
      return `${gridRow} ${gridColumn}`;
    });
    const { page, errors } = await bench.newPage(desk);
    await page.goto(`${bench.url}/layout`);
    await has(page, '[data-place="1"]');
    await page.focus('[data-place="1"]');
    for (const arrow of ['ArrowRight', 'ArrowDown']) {
      await page.keyboard.press(arrow);
      await until(page, () => (document.activeElement as HTMLElement | null)?.dataset.place === '1', null);
    }
    expect(await page.getAttribute('[data-place="1"]', 'data-cell')).toBe('1.1');
    expect(await page.getAttribute('[data-place="2"]', 'data-cell')).toBe('0.0');
    await page.fill('[name=columns]', '6');
    await drawnAnew(page);
    expect(await page.inputValue('[name=columns]')).toBe('6');
    await page.keyboard.press('Tab');
    await page.click('[data-place="4"]');
    await page.click('[data-cell="0.5"]');
    expect(await page.getAttribute('[data-place="4"]', 'data-cell')).toBe('0.5');
    await page.fill('[name=hub]', 'Hub A');
    await page.dragAndDrop('[data-place="3"]', '[data-cell="0.4"]');
    expect(await page.getAttribute('[data-place="3"]', 'data-cell')).toBe('0.4');
    await page.click('[data-save]');
    await has(page, '[data-answer]');
    await has(wall.page, '[data-hub="Hub A"]');
    expect(await place('4')).toBe('1 6');
    expect(await place('1')).toBe('2 2');
    await wall.page.focus('[data-slot="4"]');
    await wall.page.keyboard.press('ArrowLeft');
    expect(await wall.page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.slot)).toBe('3');
    await page.click('[data-default]');
    await until(wall.page, () => document.querySelector('[data-hub]') === null, null);
    expect((await bench.get<Wall>('/api/v1/wall')).layout).toEqual([]);
    expect([...errors, ...wall.errors]).toEqual([]);
    await page.close();
    await wall.page.close();
  });
});
