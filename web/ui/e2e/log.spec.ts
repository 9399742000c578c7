// SPDX-License-Identifier: Apache-2.0
// A log that is longer than what a page holds of it, over the dashboard's stand-in station; the log is the test's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wall } from '../src/api/types';
import { openBench, until, waitMs, type Bench } from './bench';

let bench: Bench;
beforeAll(async () => { bench = await openBench(); });
afterAll(() => bench.close());

const desk = { width: 1280, height: 800 };

describe('a long log', () => {
  it('is searched from one end to the other and round it', async () => {
    const unit = (await bench.get<Wall>('/api/v1/wall')).tiles.find((tile) => tile.outcome === 'PASS')?.unit;
    const filler = 'tegradevflash wrote one more block of what it was given\n'.repeat(25_000);
    const log = Buffer.from(`mark at the very begin\n${filler}mark in the middle\n${filler}the end\n`);
    const { page, errors } = await bench.newPage(desk);
    await page.route(/\/jobs\/\d+\/log\?/, (route) => {
      const asked = new URL(route.request().url()).searchParams;
      const [from, max] = [Number(asked.get('from')), Number(asked.get('max'))];
      const at = from < 0 ? Math.max(0, log.length - Math.min(-from, max)) : from;
      const headers = { 'Content-Type': 'text/plain', 'X-Log-From': String(at), 'X-Log-Size': String(log.length), 'X-Log-End': 'true' };
      return route.fulfill({ status: 200, headers, body: log.subarray(at, at + max) });
    });
    await page.goto(`${bench.url}/units/${unit}`);
    await page.waitForSelector('.log-line');
    const hit = (text: string): Promise<void> => until(page, (wanted) => document.querySelector('.log-line.hit')?.textContent.includes(wanted) === true, text, waitMs);
    const isInSight = async (): Promise<boolean> => {
      const [line, box] = [await page.locator('.log-line.hit').boundingBox(), await page.locator('.log-box').boundingBox()];
      return line !== null && box !== null && line.y >= box.y && line.y + line.height <= box.y + box.height;
    };
    await page.fill('.log-search input', 'MARK');
    expect(await page.textContent('.log-hits')).toContain('Enter');
    await page.press('.log-search input', 'Enter');
    await hit('mark in the middle');
    expect(await isInSight()).toBe(true);
    await page.press('.log-search input', 'Shift+Enter');
    await hit('mark at the very begin');
    expect(await isInSight()).toBe(true);
    await page.press('.log-search input', 'Enter');
    await hit('mark in the middle');
    await page.press('.log-search input', 'Enter');
    await hit('mark at the very begin'); // round its end
    await page.fill('.log-search input', 'nobody wrote this');
    await page.press('.log-search input', 'Enter');
    await until(page, () => document.querySelector('.log-hits')?.textContent === 'none in the whole log', null, waitMs);
    await page.press('.log-search input', 'Escape');
    await page.click('.log-later button:last-child');
    await until(page, () => document.querySelector('.log-later') === null && document.querySelector('.log-rows')?.textContent.includes('the end') === true, null, waitMs);
    expect(errors).toEqual([]);
    await page.close();
  });
});
