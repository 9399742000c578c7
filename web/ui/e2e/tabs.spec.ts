// SPDX-License-Identifier: Apache-2.0
// One person with many pages of the station open: a browser has six connections for it, and each page wants one for its events. Over the mock.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { openMockBench, until, type Bench } from './bench';

let bench: Bench;
beforeAll(async () => { bench = await openMockBench('mixed16'); });
afterAll(() => bench.close());

// A desk page comes in two parts: the link is there with the second.
const live = (page: Page): Promise<void> => until(page, () => '__lineside' in window && window.__lineside.live, null);
// Playwright shows each page as if it were the one in front.
async function show(page: Page, shown: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, !shown);
}

it('opens the ninth page as fast as the first, and the first is live again when it is looked at', async () => {
  const person = await bench.browser.newContext();
  const pages: Page[] = [];
  for (let i = 0; i < 9; ++i) {
    const page = await person.newPage();
    await page.goto(`${bench.url}/${i === 0 ? '' : 'records'}`, { timeout: 10_000 });
    await live(page);
    await show(page, false);
    pages.push(page);
  }
  const [wall] = pages;
  if (wall === undefined) throw new Error('no page');
  const before = await wall.evaluate(() => window.__lineside.connects);
  bench.mock?.change('9', (await bench.get<{ tiles: { slot: string }[] }>('/api/v1/wall')).tiles.find((tile) => tile.slot === '9') ?? {});
  const seq = (await bench.get<{ seq: number }>('/api/v1/wall')).seq;
  expect(await wall.evaluate(() => window.__lineside.lastSeq)).toBeLessThan(seq);
  await show(wall, true);
  await until(wall, (last) => (window.__lineside.lastSeq ?? 0) >= last && window.__lineside.live, seq);
  expect(await wall.evaluate(() => window.__lineside.connects)).toBe(before + 1);
  expect(await wall.isVisible('.not-live')).toBe(false);
  await person.close();
});
