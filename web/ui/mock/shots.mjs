// SPDX-License-Identifier: Apache-2.0
// Screenshots of every page over the mock server, light and dark, at the sizes of the art direction, to be looked at.
//   npm run build && npm run shots [-- name…]        -> shots/*.png      CHROMIUM=/usr/bin/chromium
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { mock } from './server.mjs';
import { given, tile } from './states.mjs';

const out = join(dirname(fileURLToPath(import.meta.url)), '..', 'shots');
const wall = { width: 1920, height: 1080 };
const desk = { width: 1280, height: 800 };
const tablet = { width: 800, height: 1280 };
const slotUnit = async (page, slot) => {
  const answer = await page.request.get(`${new URL(page.url()).origin}/api/v1/wall`);
  return (await answer.json()).tiles.find((one) => one.slot === slot).unit;
};
const unitOf = (slot) => async (page) => {
  const unit = await slotUnit(page, slot);
  await page.goto(`${new URL(page.url()).origin}/units/${unit}`);
  await page.waitForTimeout(600);
};
const shots = [
  { name: 'wall-16', scene: 'mixed16', size: wall }, { name: 'wall-all', scene: 'all', size: wall },
  { name: 'wall-8', scene: '8', size: wall }, { name: 'wall-32', scene: '32', size: wall }, { name: 'wall-64', scene: '64', size: wall },
  { name: 'wall-16-desk', scene: 'mixed16', size: desk }, { name: 'wall-blocked', scene: 'blocked', size: wall }, { name: 'wall-none', scene: 'none', size: desk },
  { name: 'wall-long', scene: 'given', size: wall }, { name: 'tablet-8', scene: '8', size: tablet }, { name: 'tablet-16', scene: 'mixed16', size: tablet },
  { name: 'not-live', scene: 'mixed16', size: wall, then: async (page, server) => { server.silence(true); await page.waitForTimeout(4500); } },
  { name: 'unit-pass', scene: 'mixed16', size: wall, then: unitOf('2') },
  { name: 'unit-pass-desk', scene: 'mixed16', size: desk, then: unitOf('2') },
  { name: 'unit-fail-desk', scene: 'mixed16', size: desk, then: unitOf('9') },
  { name: 'unit-running', scene: 'mixed16', size: wall, then: unitOf('1') },
  { name: 'unit-search', scene: 'mixed16', size: wall, then: async (page) => { await unitOf('2')(page); await page.fill('.log-search input', 'serial'); await page.keyboard.press('Enter'); await page.waitForTimeout(300); } },
  { name: 'records', scene: 'mixed16', size: wall, path: '/records' },
  { name: 'records-desk', scene: 'mixed16', size: desk, path: '/records?result=FAIL,ERROR' },
  { name: 'records-none', scene: 'mixed16', size: desk, path: '/records?serial_from=ZZ' },
  { name: 'orders', scene: 'orders', size: desk, path: '/orders' }, { name: 'orders-wide', scene: 'orders', size: wall, path: '/orders' }, { name: 'orders-tablet', scene: 'orders', size: tablet, path: '/orders' },
  { name: 'orders-close', scene: 'orders', size: desk, path: '/orders', then: async (page) => { await page.click('[data-ask="close-2611-07"]'); await page.click('[data-ask^="emergency-"]'); } },
  { name: 'orders-new', scene: 'orders', size: desk, path: '/orders/new', then: async (page) => { await page.fill('[name=name]', '2611-07'); await page.fill('[name=quantity]', '9000'); await page.click('button[type=submit].main'); } },
  { name: 'people-technician', scene: 'technician', size: desk, path: '/people' }, { name: 'people-technician-tablet', scene: 'technician', size: tablet, path: '/people' }, { name: 'handover-closed', scene: 'all', size: desk, path: '/handover' },
  { name: 'handover-shift', scene: 'mixed16', size: desk, path: '/handover', then: async (page) => { await page.selectOption('.handover-shift', { index: 2 }); await page.waitForTimeout(500); } },
  { name: 'wall-turn', scene: 'empty', size: wall, path: '/?rotate=5', then: async (page) => { await page.waitForSelector('[data-wall-numbers] strong', { timeout: 9000 }); } }, { name: 'wall-turn-tablet', scene: 'empty', size: tablet, path: '/?rotate=5', then: async (page) => { await page.waitForSelector('[data-wall-numbers] strong', { timeout: 9000 }); } },
  { name: 'numbers-shift', scene: 'mixed16', size: desk, path: '/numbers?for=shift' }, { name: 'records-shift', scene: 'mixed16', size: desk, path: '/records?shift=early' }, { name: 'numbers-shift-tablet', scene: 'mixed16', size: tablet, path: '/numbers?for=shift' },
  { name: 'labels', scene: 'mixed16', size: desk, path: '/labels' }, { name: 'labels-tablet', scene: 'mixed16', size: tablet, path: '/labels' },
  { name: 'pool', scene: 'mixed16', size: desk, path: '/pool' },
  { name: 'pool-void', scene: 'mixed16', size: desk, path: '/pool', then: async (page) => { await page.click('[data-ask="void-RC26-04110"]'); await page.fill('[name=reason]', 'unit scrapped'); } },
  ...[['untouched', '2611-c', null], ['open', '2611-b', null], ['closed', '2609-a', null], ['withdraw', '2611-c', 'withdraw'], ['close', '2611-b', 'close']].map(([name, batch, end]) => ({
    name: `account-${name}`, scene: 'mixed16', size: desk, path: `/pool?pool=reeplayer-crc&batch=${batch}`,
    then: async (page) => {
      if (end === null) return;
      await page.click(`[data-ask="${end}-${batch}"]`);
      await page.fill('[name=reason]', end === 'close' ? batch : 'wrong prefix');
      if (end === 'close') await page.click('.sure');
      await page.waitForTimeout(200);
    },
  })),
  { name: 'generate-form', scene: 'mixed16', size: desk, path: '/pool/generate?pool=reeplayer-crc' },
  ...[['refused', { width: '3' }], ['known', { prefix: 'RC26-0', from: '3900', count: '50', token_length: '64' }], ['good', { token_length: '64', batch: '2612-a' }]].map(([name, fields]) => ({
    name: `generate-${name}`, scene: 'mixed16', size: desk, path: '/pool/generate?pool=reeplayer-crc',
    then: async (page) => {
      for (const [field, value] of Object.entries({ prefix: 'RC26-', from: '6001', count: '4000', token_length: '64', ...fields })) await page.fill(`[name=${field}]`, value);
      await page.click('[data-check]');
      await page.waitForTimeout(300);
    },
  })),
  { name: 'load-choose', scene: 'mixed16', size: desk, path: '/pool/load' },
  ...[['bad', 'rc26-05042'], ['good', 'RC26-06001']].map(([name, serial]) => ({
    name: `load-${name}`, scene: 'mixed16', size: desk, path: '/pool/load',
    then: async (page) => {
      await page.setInputFiles('[data-file]', { name: 'batch-2611-c.csv', mimeType: 'text/csv', buffer: Buffer.from(`serial,token\n${`${serial},tok\n`.repeat(500)}`) });
      await page.click('[data-check]');
      await page.waitForTimeout(300);
    },
  })),
];

shots.push(
  { name: 'login', scene: 'login', size: desk, path: '/login' },
  { name: 'login-wrong', scene: 'login', size: desk, path: '/records', then: async (page) => { await page.fill('[name=name]', 'ana kim'); await page.fill('[name=password]', 'wrong wrong'); await page.click('[type=submit]'); await page.waitForTimeout(300); } },
  { name: 'login-tablet', scene: 'login', size: tablet, path: '/login' },
  { name: 'first', scene: 'login', size: desk, path: '/first#code' },
  { name: 'screen-ask', scene: 'login', size: wall, then: (page) => page.waitForTimeout(500) },
  { name: 'numbers', scene: 'mixed16', size: wall, path: '/numbers' }, { name: 'numbers-desk', scene: 'mixed16', size: desk, path: '/numbers' }, { name: 'numbers-week', scene: 'mixed16', size: desk, path: '/numbers?for=7d' },
  { name: 'slots', scene: 'mixed16', size: desk, path: '/slots' },
  { name: 'slots-wide', scene: 'mixed16', size: wall, path: '/slots', then: async (page) => { await page.click('[data-ask="reopen-7"]'); await page.fill('[name=reason]', 'new cable'); } },
  { name: 'slots-tablet', scene: 'mixed16', size: tablet, path: '/slots' },
  { name: 'layout', scene: 'mixed16', size: desk, path: '/layout', then: async (page) => {
    for (const slot of ['1', '2', '5', '6']) await page.click(`[data-place="${slot}"]`, { modifiers: ['Shift'] });
    await page.fill('[name=hub]', 'Hub A');
    await page.waitForTimeout(100);
  } },
  ...[['16', 'mixed16', 4], ['64', '64', 8]].map(([name, scene, wide]) => ({ name: `wall-jig-${name}`, scene, size: wall, then: async (page) => {
    const answer = await page.request.get(`${new URL(page.url()).origin}/api/v1/wall`);
    const slots = (await answer.json()).tiles.map((one) => one.slot);
    const places = slots.map((slot, i) => ({ slot, line: Math.floor(i / wide), place: (i % wide) + (wide === 4 && i % wide > 1 ? 1 : 0), hub: `Hub ${'ABCD'[(i % wide < wide / 2 ? 0 : 1) + (i < slots.length / 2 ? 0 : 2)]}` }));
    await page.request.post(`${new URL(page.url()).origin}/api/v1/layout`, { headers: { 'X-Lineside': '1' }, data: { places } });
    await page.waitForTimeout(500);
  } })),
  ...[['ports', desk, 4, true], ['ports-wait', desk, 2, false], ['ports-review', desk, 8, false], ['ports-tablet', tablet, 4, true]].map(([name, size, done, seen]) => ({ name, scene: 'empty', size, path: '/ports', then: async (page) => {
    const plug = (port, more = {}) => page.request.post(`${new URL(page.url()).origin}/mock/plug`, { headers: { 'X-Lineside': '1' }, data: { port, ...more } });
    const path = (i) => `pci-0000:00:14.0-usb-0:${i < 4 ? 4 : 5}.${(i % 4) + 1}`;
    await plug('pci-0000:00:14.0-usb-0:5.7');
    await page.click('[data-start]');
    for (let i = 0; i < done; i += 1) {
      await page.waitForSelector('[data-seen=wait]');
      await plug(path(i), i === 3 ? {} : { peer: path(i).replace('0:4', '0:8').replace('0:5', '0:9') });
      await page.waitForSelector('[data-seen=found]');
      await page.click('[data-do]');
    }
    if (seen) { await plug(path(done), { peer: 'pci-0000:00:14.0-usb-0:9.1' }); await page.waitForSelector('[data-seen=found]'); }
    await page.waitForTimeout(300);
  } })),
  { name: 'recipes', scene: 'mixed16', size: desk, path: '/recipes' }, { name: 'recipes-tablet', scene: 'mixed16', size: tablet, path: '/recipes' }, { name: 'recipes-station', scene: 'recipes-station', size: desk, path: '/recipes' },
  ...[['bad', desk], ['bad-tablet', tablet]].map(([name, size]) => ({ name: `recipes-${name}`, scene: 'mixed16', size, path: '/recipes', then: async (page) => {
    const text = await page.inputValue('[data-recipes]');
    await page.fill('[data-recipes]', text.replace('"flash"', '"flsh"').replace('boot_s = 300', 'boot_s = "long"'));
    await page.waitForSelector('[data-complaint]');
    await page.waitForTimeout(200);
  } })),
  ...[['diff', desk], ['diff-tablet', tablet]].map(([name, size]) => ({ name: `recipes-${name}`, scene: 'mixed16', size, path: '/recipes', then: async (page) => {
    const text = await page.inputValue('[data-recipes]');
    await page.fill('[data-recipes]', text.replace('2.11.0', '2.12.1').replace('"(kept-2)"', '"a new password"'));
    await page.click('[data-do-review]:not([disabled])');
    await page.waitForSelector('[data-diff]');
    await page.click('[data-ask=save-recipes]');
  } })),
  { name: 'host', scene: 'mixed16', size: desk, path: '/host' }, { name: 'host-tablet', scene: 'mixed16', size: tablet, path: '/host' },
  ...[['replay', desk], ['replay-tablet', tablet]].map(([name, size]) => ({ name, scene: 'mixed16', size, path: '/jobs/812/replay', then: async (page) => { await page.$eval('[data-scrub]', (bar) => { bar.value = '150000'; bar.dispatchEvent(new Event('input', { bubbles: true })); }); await page.waitForTimeout(300); } })),
  { name: 'replay-end', scene: 'mixed16', size: desk, path: '/jobs/812/replay', then: async (page) => { await page.$eval('[data-scrub]', (bar) => { bar.value = bar.max; bar.dispatchEvent(new Event('input', { bubbles: true })); }); await page.waitForTimeout(300); } },
  { name: 'stickers', scene: 'mixed16', size: desk, path: '/stickers' },
  { name: 'training', scene: 'training', size: wall }, { name: 'training-slots', scene: 'training', size: desk, path: '/slots' }, { name: 'training-tablet', scene: 'training', size: tablet }, { name: 'training-beside', scene: 'training-beside', size: wall },
  { name: 'people', scene: 'admin', size: desk, path: '/people' },
  { name: 'people-wide', scene: 'admin', size: wall, path: '/people' },
);

const long = [
  ['error', 'E06', 'Flash tool ended without saying it had flashed', 'Press Try again'], ['error', 'E01', 'Unit left while it was worked on', 'Check the cable, plug in again'],
  ['failOut', 'F06', 'Unit that answers is not the one that was flashed', 'Check the cables'], ['timeout', 'E05', 'Flash tool went silent', 'Press Try again'],
  ['interrupted', 'E40', 'Station restarted while the unit was worked on', 'Put the unit back'], ['stopped', 'A02', 'Unit was taken out before work began', 'Plug in again'],
];
given.push(...Array.from({ length: 16 }, (_, i) => {
  const [kind, display_code, reason, action] = long[i % long.length];
  return tile(String(i + 1), kind, { display_code, reason, action });
}));

const wanted = process.argv.slice(2);
await mkdir(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
for (const shot of shots) {
  if (wanted.length > 0 && !wanted.some((one) => shot.name.startsWith(one))) continue;
  for (const colorScheme of ['light', 'dark']) {
    const server = mock({ scene: shot.scene, still: true });
    const port = await server.listen(0);
    const page = await browser.newPage({ viewport: shot.size, colorScheme });
    page.on('console', (message) => { if (message.type() === 'error') console.log(`${shot.name}: ${message.text()}`); });
    page.on('pageerror', (error) => console.log(`${shot.name}: ${error.message}`));
    await page.goto(`http://127.0.0.1:${port}${shot.path ?? '/'}`);
    await page.evaluate(() => document.fonts.ready);
    await page.waitForTimeout(700);
    await shot.then?.(page, server);
    await page.screenshot({ path: join(out, `${shot.name}-${colorScheme}.png`) });
    await page.close();
    server.close();
  }
  console.log(shot.name);
}
await browser.close();
