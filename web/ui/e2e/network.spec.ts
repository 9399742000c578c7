// SPDX-License-Identifier: Apache-2.0
// The page over the network in a browser that takes one certificate alone: that of LINESIDE_KEY, the SHA-256 of the station's key
// in base64, at LINESIDE_NETWORK_URL. LINESIDE_PERSON and LINESIDE_PASSWORD log in. Without them there is nothing to test.
import { afterAll, describe, expect, it } from 'vitest';
import { chromium, type Browser } from 'playwright-core';
import { until } from './bench';

const url = process.env.LINESIDE_NETWORK_URL;
let browser: Browser | undefined;
afterAll(() => browser?.close());

describe.runIf(url !== undefined)('the page on the network', () => {
  it('logs a person in and shows the wall live, with a cookie that nothing in the clear sees', async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
        '--disable-sync', `--ignore-certificate-errors-spki-list=${process.env.LINESIDE_KEY ?? ''}`],
    });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 401/.test(message.text())) errors.push(message.text());
    });
    await page.goto(`${url}login`);
    await page.fill('[name=name]', process.env.LINESIDE_PERSON ?? '');
    await page.fill('[name=password]', process.env.LINESIDE_PASSWORD ?? '');
    await page.click('[type=submit]');
    await until(page, () => document.querySelector('.wall[data-live=live] [data-slot="1"]') !== null, null);
    const [cookie, ...more] = await context.cookies();
    expect(more).toEqual([]);
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(cookie?.name).toMatch(/^__Host-lineside_\d+$/);
    await page.goto(`${url}people`);
    await until(page, () => document.querySelector('[data-who=admin]') !== null, null);
    expect(errors).toEqual([]);
  });

  it('is refused by a browser that was not told of the key', async () => {
    const stranger = await (browser as Browser).browserType().launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'],
    });
    try {
      await expect((await stranger.newPage()).goto(`${url}login`)).rejects.toThrow(/ERR_CERT/);
    } finally {
      await stranger.close();
    }
  });
});
