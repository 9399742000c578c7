// SPDX-License-Identifier: Apache-2.0
// How fast the wall of a running station is there and follows: node e2e/paint.mjs URL ROUNDS SECONDS, one line of JSON. For
// tests/perf/pages; judged by nobody here.
import { chromium } from 'playwright-core';

const [url, rounds, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const at = (values, part) => [...values].sort((a, b) => a - b)[Math.floor(part * (values.length - 1))];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const paints = [];
const tiles = [];
let bytes = 0;
let latencies = [];
for (let round = 0; round < rounds; round += 1) {
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    const seen = new MutationObserver(() => {
      if (document.querySelector('[data-slot]') !== null) {
        performance.mark('tiles');
        seen.disconnect();
      }
    });
    seen.observe(document, { childList: true, subtree: true });
  });
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  let loaded = 0;
  const streams = new Set();
  network.on('Network.responseReceived', ({ requestId, response }) => { if (response.mimeType === 'text/event-stream') streams.add(requestId); });
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => { if (!streams.has(requestId)) loaded += encodedDataLength; });
  await page.goto(url + '/');
  await page.waitForSelector('.wall[data-live="live"]');
  await page.waitForLoadState('load');
  paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0));
  tiles.push(await page.evaluate(() => performance.getEntriesByName('tiles')[0]?.startTime ?? 1e9));
  bytes = Math.max(bytes, loaded);
  if (round === rounds - 1) {
    await page.waitForTimeout(1000);
    await page.evaluate(() => window.__lineside.clear());
    await page.waitForTimeout(seconds * 1000);
    latencies = await page.evaluate(() => [...window.__lineside.latencies]);
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify({
  first_paint_ms: { median: Math.round(at(paints, 0.5)), most: Math.round(at(paints, 1)) },
  first_tiles_ms: { median: Math.round(at(tiles, 0.5)), most: Math.round(at(tiles, 1)) },
  load_bytes: bytes,
  commit_to_dom_ms: { n: latencies.length, median: Math.round(at(latencies, 0.5)), p99: Math.round(at(latencies, 0.99)) },
}));
