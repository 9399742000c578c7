// SPDX-License-Identifier: Apache-2.0
// A technician maps eight ports: one unit after the other, a port that is mapped already refused with words, the review, the sheet of
// stickers. On a real line LINESIDE_LINE_CTL is the command that plugs its boards (`… plug 3`); else over the mock.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { Ports } from '../src/api/types_slots';
import { openBench, until, type Bench } from './bench';

const control = process.env.LINESIDE_LINE_CTL;
let bench: Bench;
beforeAll(async () => {
  const url = process.env.LINESIDE_URL;
  if (control === undefined) delete process.env.LINESIDE_URL;
  bench = await openBench('empty');
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

async function line(what: 'plug' | 'unplug', board: number): Promise<void> {
  if (control !== undefined) {
    await promisify(execFile)('sh', ['-c', `${control} ${what} ${board}`], { timeout: 20_000 });
    return;
  }
  await fetch(`${bench.url}/mock/plug`, {
    method: 'POST', headers: { 'X-Lineside': '1' },
    body: JSON.stringify({ port: `pci-0000:00:14.0-usb-0:${board > 4 ? 5 : 4}.${((board - 1) % 4) + 1}`, out: what === 'unplug' }),
  });
}
const has = (page: Page, what: string): Promise<void> => until(page, (sought) => document.querySelector(sought) !== null, what, 30_000);
const ports = (): Promise<Ports> => bench.get<Ports>('/api/v1/ports');

describe('mapping the ports', () => {
  it('maps eight, refuses one twice, shows the difference, and saves', async () => {
    const { page, errors } = await bench.newPage({ width: 1280, height: 800 });
    await page.goto(`${bench.url}/ports`);
    await page.fill('[name=names]', '1-8');
    await page.click('[data-start]');
    for (let slot = 1; slot <= 8; slot += 1) {
      const board = 9 - slot; // the sockets were numbered the other way round
      await has(page, `[data-map="${slot}"][data-kind=at]`);
      if (slot === 3) { // the unit of slot 1 once more
        await line('unplug', 8);
        await until(page, () => true, null);
        await line('plug', 8);
        await has(page, '[data-seen=taken]');
        expect(await page.isDisabled('[data-do]')).toBe(true);
        await line('unplug', 8);
        await has(page, '[data-seen=wait]');
      }
      if (slot === 5) { // back, and again
        await page.click('[data-back]');
        await has(page, '[data-map="4"][data-kind=at]');
        await line('unplug', 5);
        await line('plug', 5);
        await has(page, '[data-seen=found]');
        await page.click('[data-do]');
        await has(page, '[data-map="5"][data-kind=at]');
      }
      await line('plug', board);
      await has(page, '[data-seen=found]');
      await page.click('[data-do]');
    }
    await has(page, '[data-change]');
    expect((await ports()).mapping).not.toBeNull();
    expect(await page.$$eval('[data-change]', (rows) => rows.length)).toBe(8);
    expect(await page.$('[data-change=moved]')).not.toBeNull();
    await page.click('[data-save]');
    await has(page, '[data-said]');
    const now = await ports();
    expect(now).toMatchObject({ mapping: null, from: 'page' });
    expect(now.slots.map((one) => one.slot)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(new Set(now.slots.map((one) => one.port)).size).toBe(8);
    await page.goto(`${bench.url}/stickers`);
    await has(page, '[data-sticker="8"] svg path');
    expect(errors).toEqual([]);
    await page.close();
  }, 180_000);
});
