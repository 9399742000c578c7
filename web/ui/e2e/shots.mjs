// SPDX-License-Identifier: Apache-2.0
// Pictures of a running station for the documentation: wall (light and dark), a unit with a verdict, pool, records.
//   LINESIDE_URL=http://127.0.0.1:8480 node e2e/shots.mjs OUT-FOLDER        CHROMIUM=/usr/bin/chromium
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const url = process.env.LINESIDE_URL?.replace(/\/$/, '');
const out = process.argv[2];
if (!url || !out) {
  console.error('usage: LINESIDE_URL=http://127.0.0.1:PORT node e2e/shots.mjs OUT-FOLDER');
  process.exit(2);
}
const get = async (path) => (await fetch(`${url}/api/v1${path}`)).json();
const wall = await get('/wall');
const judged = wall.tiles.find((tile) => tile.outcome === 'PASS')?.unit ?? (await get('/records?limit=1')).rows[0]?.unit;
const shots = [
  ['wall', '/', 'light', 1920, 1080], ['wall-dark', '/', 'dark', 1920, 1080], ['pool', '/pool', 'light', 1280, 800],
  ['records', '/records', 'light', 1600, 900], ['numbers', '/numbers', 'light', 1600, 1000],
];
if (judged !== undefined) shots.push(['unit', `/units/${judged}`, 'light', 1920, 1080]);

await mkdir(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
for (const [name, path, colorScheme, width, height] of shots) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(url + path);
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(out, `${name}.png`) });
  await page.close();
  console.log(join(out, `${name}.png`));
}
await browser.close();
