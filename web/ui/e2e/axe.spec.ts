// SPDX-License-Identifier: Apache-2.0
// Every page by axe-core's rules for WCAG 2.2 AA, light and dark, with a tile of each state on the wall.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AxeResults, RunOnly } from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';
import type { Wall } from '../src/api/types';
import { openBench, until, type Bench } from './bench';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
let bench: Bench;
beforeAll(async () => {
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  bench = await openBench('all');
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

const pages: readonly { name: string; path: string; ready: string; size?: { width: number; height: number } }[] = [
  { name: 'wall', path: '/', ready: '.wall[data-live=live]', size: { width: 1920, height: 1080 } },
  { name: 'tablet', path: '/', ready: '.wall[data-live=live]', size: { width: 800, height: 1280 } },
  { name: 'unit', path: '/units/UNIT', ready: '[data-proof]' },
  { name: 'records', path: '/records', ready: 'tbody tr' },
  { name: 'pool', path: '/pool', ready: '.gauge-left' },
  { name: 'load', path: '/pool/load', ready: 'input[type=file]' },
  { name: 'generate', path: '/pool/generate', ready: '[name=prefix]' },
  { name: 'orders', path: '/orders', ready: '[data-order]' },
  { name: 'open an order', path: '/orders/new', ready: '[name=quantity]' },
  { name: 'numbers', path: '/numbers', ready: 'svg' },
  { name: 'hand-over', path: '/handover', ready: '[data-sheet=pools] p' },
  { name: 'slots', path: '/slots', ready: '[data-slot-row]' },
  { name: 'layout', path: '/layout', ready: '.jig-slot' },
  { name: 'ports', path: '/ports', ready: '[data-mapped]' },
  { name: 'stickers', path: '/stickers', ready: '[data-sticker] svg' },
  { name: 'recipes', path: '/recipes', ready: '[data-verdict=accept]' },
  { name: 'host', path: '/host', ready: '[data-finding]' },
  { name: 'replay', path: '/jobs/812/replay', ready: '[data-scrub]' },
  { name: 'labels', path: '/labels', ready: '[data-label]' },
  { name: 'people', path: '/people', ready: 'main' },
  { name: 'log in', path: '/login', ready: 'main' },
  { name: 'nowhere', path: '/nowhere', ready: 'main' },
];

// One for all pages, as a person's browser: what it holds of the dashboard it does not fetch and compile again.
let person: BrowserContext;
let page: Page;
beforeAll(async () => { person = await bench.browser.newContext({ colorScheme: 'light', reducedMotion: 'reduce' }); });
afterEach(() => page.close());      // each holds a connection, and a browser has six

async function violations(only: RunOnly): Promise<string[]> {
  return page.evaluate(async (runOnly) => {
    const { axe } = window as unknown as { axe: { run(root: Document, options: object): Promise<AxeResults> } };
    return (await axe.run(document, { runOnly, resultTypes: ['violations'] })).violations
      .map((one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => `${node.target.join(' ')} ${node.failureSummary?.split('\n')[1]?.trim() ?? ''}`).join(' | ')}`);
  }, only);
}

describe('light, and dark where it makes a difference', () => {
  it.each(pages)('$name', async ({ path, ready, size }) => {
    page = await person.newPage();
    await page.setViewportSize(size ?? { width: 1280, height: 800 });
    const unit = (await bench.get<Wall>('/api/v1/wall')).tiles.find((tile) => tile.unit !== null)?.unit ?? 0;
    await page.goto(bench.url + path.replace('UNIT', String(unit)));
    await page.waitForSelector(ready);
    await page.evaluate(source);
    expect(await violations({ type: 'tag', values: tags })).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await until(page, () => document.documentElement.dataset.theme === 'dark', null);
    expect(await violations({ type: 'rule', values: ['color-contrast'] })).toEqual([]);
  });
});
