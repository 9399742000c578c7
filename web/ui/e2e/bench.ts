// SPDX-License-Identifier: Apache-2.0
// What the browser tests stand on: a Chromium and a station. LINESIDE_URL names a real one that is running; without it
// the mock server stands in (after `npm run build`), so that the tests themselves are tested.
//   LINESIDE_URL       http://127.0.0.1:8480
//   LINESIDE_RESTART   shell command that stops the service and starts it again on the same data
//   LINESIDE_WAIT_S    how long to wait for a verdict on the real line (120)
//   LINESIDE_SAMPLES   latency samples wanted (100)
//   LINESIDE_P99_MS    bound of the latency's p99 (200); a shared machine in CI is given more
//   CHROMIUM           /usr/bin/chromium
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright-core';
import { mock } from '../mock/server.mjs';
import type { Mock } from '../mock/server.mjs';

export interface Bench {
  url: string;
  real: boolean;
  mock: Mock | null;
  browser: Browser;
  newPage(size?: { width: number; height: number }, language?: string): Promise<{ page: Page; errors: string[] }>;
  restart(): Promise<boolean>;
  get<T>(path: string): Promise<T>;
  close(): Promise<void>;
}

export const waitMs = Number(process.env.LINESIDE_WAIT_S ?? '120') * 1000;

export async function openBench(scene = 'mixed16'): Promise<Bench> {
  const real = process.env.LINESIDE_URL;
  const stand = real === undefined ? mock({ scene, still: false }) : null;
  const url = real?.replace(/\/$/, '') ?? `http://127.0.0.1:${await stand?.listen(0)}`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  return {
    url, real: real !== undefined, mock: stand, browser,
    async newPage(size = { width: 1920, height: 1080 }, language = 'en') {
      const page = await browser.newPage({ viewport: size, colorScheme: 'light' });
      await page.addInitScript((tag) => localStorage.setItem('lineside.language', tag), language);
      const errors: string[] = [];
      page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
      page.on('pageerror', (error) => errors.push(String(error)));
      return { page, errors };
    },
    async restart() {
      const command = process.env.LINESIDE_RESTART;
      if (command === undefined) return false;
      await promisify(execFile)('sh', ['-c', command], { timeout: 60_000 });
      return true;
    },
    async get<T>(path: string): Promise<T> {
      const response = await fetch(url + path);
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      return (await response.json()) as T;
    },
    async close() {
      await browser.close();
      stand?.close();
    },
  };
}

// Over the mock, also where the other tests run over a station.
export async function openMockBench(scene: string): Promise<Bench> {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  try {
    return await openBench(scene);
  } finally {
    if (url !== undefined) process.env.LINESIDE_URL = url;
  }
}

export async function openWall(bench: Bench, size?: { width: number; height: number }, language?: string): Promise<{ page: Page; errors: string[] }> {
  const made = await bench.newPage(size, language);
  await made.page.goto(`${bench.url}/`);
  await made.page.waitForSelector('.wall[data-live="live"]');
  await until(made.page, () => window.__lineside.offset !== null, null);
  return made;
}

// Playwright's own waitForFunction evaluates strings in the page, which the station's CSP rightly forbids.
export async function until<A>(page: Page, test: (arg: A) => boolean, arg: A, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  const ask = test as (arg: unknown) => boolean;
  while (!(await page.evaluate(ask, arg))) {
    if (Date.now() > end) throw new Error(`not so within ${timeoutMs} ms: ${test.toString()} with ${JSON.stringify(arg)}`);
    await page.waitForTimeout(50);
  }
}

// A scanner's keys, all at once as it sends them: a key that comes more than a tenth of a second after the one before is a person's, and
// Playwright's own keyboard waits for the page after each.
export async function scan(page: Page, code: string): Promise<void> {
  const keyboard = await page.context().newCDPSession(page);
  await Promise.all(['F9', ...code, 'Enter'].flatMap((key) => {
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
    return [keyboard.send('Input.dispatchKeyEvent', { type: 'keyDown', key, ...(text !== undefined && { text }) }), keyboard.send('Input.dispatchKeyEvent', { type: 'keyUp', key })];
  }));
  await keyboard.detach();
}
