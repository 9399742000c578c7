// SPDX-License-Identifier: Apache-2.0
// Orders and releases of images in a browser. Over the mock alone: what is decided on a station stays.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { openBench, type Bench } from './bench';

let bench: Bench;
beforeAll(async () => {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  bench = await openBench('orders');
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

async function openPage(path: string): Promise<Page> {
  const { page } = await bench.newPage({ width: 1280, height: 800 });
  await page.goto(bench.url + path);
  await page.waitForSelector(path === '/orders' ? '[data-order]' : '[name=pool] option', { state: 'attached' });
  return page;
}

describe('orders', () => {
  it('says what holds an order up, pauses, resumes and closes with a reason', async () => {
    const page = await openPage('/orders');
    expect(await page.textContent('[data-stuck="2611-06"]')).toContain('step 6, set-wifi-ap: ssid');
    await page.click('[data-pause="2611-07"]');
    await page.waitForSelector('[data-order="2611-07"][data-state=paused]');
    await page.click('[data-pause="2611-07"]');
    await page.waitForSelector('[data-order="2611-07"][data-state=open]');
    await page.click('[data-ask="close-2611-07"]');
    expect(await page.textContent('[data-reason="close-2611-07"]')).toContain('312 passed, 9 failed, 14 in work');
    expect(await page.isDisabled('[data-reason="close-2611-07"] .sure')).toBe(true);
    await page.fill('[data-reason="close-2611-07"] [name=reason]', 'customer took less');
    await page.click('[data-reason="close-2611-07"] .sure');
    await page.waitForSelector('[data-order="2611-07"][data-state=closed]');
    expect(await page.textContent('[data-order="2611-07"]')).toContain('customer took less');
    await page.close();
  });

  it('a second person releases, an emergency is marked, a withdrawal needs a reason', async () => {
    const page = await openPage('/orders');
    await page.click('[data-release-image^="3fa2c09b77e1"]');
    await page.waitForSelector('[data-images] [data-release=two]');
    expect(await page.isVisible('[data-images] [data-release=emergency]')).toBe(true);
    await page.click('[data-ask="withdraw-3fa2c09b77e1"]');
    await page.fill('[name=reason]', 'wrong firmware');
    await page.click('[data-reason] .sure');
    await page.waitForSelector('[data-images] [data-release=withdrawn]');
    expect(await page.textContent('[data-image^="3fa2c09b77e1"]')).toContain('wrong firmware');
    await page.close();
  });

  it('a refusal stands at its field, which has the focus; what was typed stays', async () => {
    const page = await openPage('/orders/new');
    await page.fill('[name=name]', '2611-06');
    await page.fill('[name=quantity]', '9000');
    expect(await page.textContent('#pool-says')).toContain('Only');
    await page.click('button[type=submit].main');
    await page.waitForSelector('[data-problem=name]');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('name');
    expect(await page.inputValue('[name=quantity]')).toBe('9000');
    await page.fill('[name=name]', '2611-08');
    await page.click('button[type=submit].main');
    await page.waitForSelector('[data-order="2611-08"]');
    await page.close();
  });

  it('a product without serials is asked for no pool', async () => {
    const page = await openPage('/orders/new');
    expect(await page.isVisible('[name=rotate_token]')).toBe(true);
    await page.selectOption('[name=profile]', 'gateway');
    await page.waitForSelector('[data-no-serials]');
    expect(await page.locator('[name=pool], [name=rotate_token]').count()).toBe(0);
    await page.selectOption('[name=profile]', 'crc-nx');
    await page.waitForSelector('[name=pool]');
    await page.selectOption('[name=profile]', 'gateway');
    await page.fill('[name=name]', 'cards-1');
    await page.fill('[name=quantity]', '40');
    await page.click('button[type=submit].main');
    await page.waitForSelector('[data-order="cards-1"]');
    await page.close();
  });
});
