// SPDX-License-Identifier: Apache-2.0
// The day of each person, one after the other at one station with sixteen boards of which two are bad: the admin makes accounts, the
// technician lets a wall screen in and maps eight ports, the manager loads a batch with three bad lines, mends it, loads it and opens an
// order, the operator makes sixteen units, pulls and acknowledges them, QA finds a unit by scan and exports the order, the
// technician changes a recipe and plays a failed job again. On a real line alone: LINESIDE_URL, LINESIDE_FIRST_LINK, LINESIDE_LINE_CTL
// (`… plug 3`). No answer of the whole walk may hold what is secret: LINESIDE_SECRETS, joined by commas. LINESIDE_SHOTS: a folder for
// pictures of each page.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { openBench, scan, until, waitMs, type Bench } from './bench';

const real = process.env.LINESIDE_URL !== undefined && process.env.LINESIDE_FIRST_LINK !== undefined && process.env.LINESIDE_LINE_CTL !== undefined;
const password = 'correct horse 1';
const secrets = [password, ...(process.env.LINESIDE_SECRETS ?? '').split(',').filter((one) => one !== '')];
const boards = 16;
const bad = [3, 9];
const desk = { width: 1280, height: 800 };
const sizes = [{ width: 1920, height: 1080 }, desk, { width: 800, height: 1280 }];
const shots = process.env.LINESIDE_SHOTS;

let bench: Bench;
const answers: string[] = []; // what held a secret
let read = 0;
beforeAll(async () => { if (real) bench = await openBench(); });
afterAll(() => bench?.close());

async function visitor(size = desk): Promise<Page> {
  const context = await bench.browser.newContext({ viewport: size, acceptDownloads: true });
  const page = await context.newPage();
  page.on('response', (response) => {
    if (response.headers()['content-type']?.startsWith('text/event-stream')) return;
    response.text().then((text) => {
      read += 1;
      for (const secret of secrets) if (text.includes(secret)) answers.push(`${response.url()} holds ${secret.slice(0, 4)}…`);
    }, () => undefined); // a download, or the page has gone on
  });
  return page;
}
const has = (page: Page, what: string, ms = 30_000): Promise<void> => until(page, (sought) => document.querySelector(sought) !== null, what, ms);
const reads = (page: Page, text: string): Promise<void> => until(page, (sought) => document.body.innerText.includes(sought), text);

async function logIn(name: string, path: string, size = desk): Promise<Page> {
  const page = await visitor(size);
  await page.goto(`${bench.url}/login`);
  await page.fill('[name=name]', name);
  await page.fill('[name=password]', password);
  await page.click('[type=submit]');
  await has(page, '[data-who], .wall[data-live=live]');
  await page.goto(`${bench.url}${path}`);
  return page;
}

async function line(what: 'plug' | 'unplug', board: number): Promise<void> {
  await promisify(execFile)('sh', ['-c', `${process.env.LINESIDE_LINE_CTL} ${what} ${board}`], { timeout: 20_000 });
}

// The page in each size, light and dark; as it was afterwards.
async function picture(page: Page, name: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  const before = page.viewportSize() ?? desk;
  for (const size of sizes) {
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize(size);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: join(shots, `${name}-${size.width}-${scheme}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

describe.runIf(real)('the day of each person', () => {
  let wall: Page;
  const serials: string[] = [];

  it('the admin comes by the first link and adds one of each', async () => {
    const page = await visitor();
    await page.goto(process.env.LINESIDE_FIRST_LINK ?? '');
    await page.fill('[name=name]', 'Ada Admin');
    await page.fill('[name=password]', password);
    await page.click('[type=submit]');
    await has(page, '[data-who=admin]');
    for (const [name, role] of [['Olu', 'operator'], ['Mia', 'manager'], ['Quinn', 'qa'], ['Tess', 'technician']] as const) {
      await page.fill('[data-form=account] [name=name]', name);
      await page.selectOption('[data-form=account] [name=role]', role);
      await page.fill('[data-form=account] [name=password]', password);
      await page.click('[data-form=account] [type=submit]');
      await has(page, `[data-account="${name}"]`);
    }
    await picture(page, 'people');
    await page.context().close();
  });

  it('the technician lets a wall screen in', async () => {
    wall = await visitor({ width: 1920, height: 1080 });
    await wall.goto(`${bench.url}/`);
    await until(wall, () => /^\d{6}$/.test(document.querySelector<HTMLElement>('[data-screen-code]')?.dataset.screenCode ?? ''), null);
    await picture(wall, 'screen-code');
    const code = await wall.getAttribute('[data-screen-code]', 'data-screen-code') ?? '';
    const page = await logIn('Tess', '/people');
    await has(page, '[data-form=screen]');
    await page.fill('[data-form=screen] [name=code]', code);
    await page.fill('[data-form=screen] [name=name]', 'Wall 1');
    await page.click('[data-form=screen] [type=submit]');
    await has(page, '[data-screen="Wall 1"]');
    await has(wall, '.wall[data-live=live]');
    expect(await wall.evaluate(() => document.documentElement.classList.contains('wall-root'))).toBe(true); // or it would not scale
    await page.context().close();
  });

  it('the technician maps eight ports, one unit after the other', async () => {
    const page = await logIn('Tess', '/ports');
    await has(page, '[name=names]');
    await page.fill('[name=names]', '1-8');
    await page.click('[data-start]');
    for (let slot = 1; slot <= 8; slot += 1) {
      await has(page, `[data-map="${slot}"][data-kind=at]`);
      await line('plug', slot);
      await has(page, '[data-seen=found]');
      if (slot === 4) await picture(page, 'ports');
      await page.click('[data-do]');
    }
    await has(page, '[data-save]');
    await picture(page, 'ports-review');
    await page.click('[data-cancel]'); // the line has sixteen slots, and goes on with them
    await has(page, '[data-start]');
    for (let slot = 1; slot <= 8; slot += 1) await line('unplug', slot);
    await page.goto(`${bench.url}/stickers`);
    await has(page, '[data-sticker] svg');
    await picture(page, 'stickers');
    await page.context().close();
  });

  it('the manager loads a batch: three bad lines are named, nothing is loaded; mended, it is', async () => {
    const file = join(tmpdir(), `day-${process.pid}.csv`);
    const rows = Array.from({ length: 40 }, (_, i) => `DAY-${String(i + 1).padStart(4, '0')},token-of-the-day-${i + 1}-x7Kq`);
    secrets.push('token-of-the-day');
    const spoilt = [...rows];
    spoilt[4] = 'DAY-0004,token-of-the-day-5-x7Kq';   // a serial twice
    spoilt[10] = 'DAY-0011,';                          // no token
    spoilt[20] = ',token-of-the-day-21-x7Kq';          // no serial
    const page = await logIn('Mia', '/pool/load');
    await has(page, 'input[type=file]');
    const choose = async (lines: readonly string[]): Promise<void> => {
      writeFileSync(file, `serial,token\n${lines.join('\n')}\n`, { mode: 0o600 });
      await page.setInputFiles('input[type=file]', file);
      await page.fill('[name=pool]', 'day');
      await page.fill('[name=batch]', 'day-1');
      await page.click('[data-check]');
    };
    await choose(spoilt);
    await has(page, '[data-preview=reject]');
    for (const number of [6, 12, 22]) await has(page, `[data-line="${number}"]`);
    expect(await page.$$eval('[data-line]', (all) => new Set(all.map((one) => one.getAttribute('data-line'))).size)).toBe(3);
    await picture(page, 'load-bad');
    await page.click('[data-load=no]');
    await choose(rows);
    await has(page, '[data-preview=accept]');
    await picture(page, 'load-good');
    await page.click('[data-load=yes]');
    await has(page, '[data-loaded="40"]');
    await page.goto(`${bench.url}/pool`);
    await has(page, '.gauge-left');
    await picture(page, 'pool');
    await page.goto(`${bench.url}/orders/new`);
    await has(page, '[name=quantity]');
    await page.fill('[name=name]', 'DAY-ORDER');
    await page.fill('[name=quantity]', '16');
    await picture(page, 'order-new');
    await page.click('[type=submit]');
    await page.waitForURL(/\/orders$/);
    await reads(page, 'DAY-ORDER');
    await picture(page, 'orders');
    await page.context().close();
  });

  it('the operator makes sixteen units; two fail; pulls them and acknowledges', async () => {
    const page = await logIn('Olu', '/', { width: 1920, height: 1080 });
    await has(page, '.wall[data-live=live]');
    await until(page, () => document.querySelector('.tile') !== null, null);
    for (let board = 1; board <= boards; board += 1) await line('plug', board);
    await until(page, () => document.querySelectorAll('.tile[data-state=flashing]').length > 3, null, waitMs);
    await picture(page, 'wall-flashing');
    await until(page, (n) => document.querySelectorAll('.tile[data-outcome]:not([data-outcome=""])').length === n, boards, waitMs * 3);
    const outcomes = new Map(await page.$$eval('.tile', (all) => all.map((one) => [one.getAttribute('data-slot') ?? '', one.getAttribute('data-outcome') ?? ''] as const)));
    for (let slot = 1; slot <= boards; slot += 1) expect(outcomes.get(String(slot)), `slot ${slot}`).toBe(bad.includes(slot) ? 'FAIL' : 'PASS');
    await until(page, () => document.querySelector<HTMLElement>('[data-summary]')?.innerText.includes('2 failed') === true, null);
    const summary = await page.innerText('[data-summary]');
    expect(summary).not.toMatch(/complete|success/i);
    for (const slot of bad) expect(summary).toContain(String(slot));
    await picture(page, 'wall-done');
    for (let board = 1; board <= boards; board += 1) await line('unplug', board);
    await until(page, (n) => document.querySelectorAll('.tile[data-state=pass][data-ack=ready]').length === n, boards - bad.length);
    serials.push(...await page.$$eval('.tile[data-state=pass]', (all) => all.map((one) => /DAY-\d{4}/.exec(one.textContent ?? '')?.[0] ?? '')));
    expect(new Set(serials).size).toBe(boards - bad.length);
    await page.click('[data-ok-all]'); // all PASS at once, FAIL one by one
    await until(page, () => document.querySelectorAll('.tile[data-outcome=PASS]').length === 0, null);
    expect(await page.$$('.tile[data-outcome=FAIL]')).toHaveLength(bad.length);
    await scan(page, String(bad[0])); // by the slot's sticker
    await until(page, (slot) => document.querySelector(`.tile[data-slot="${slot}"]`)?.getAttribute('data-outcome') !== 'FAIL', bad[0]);
    await page.click(`.tile[data-slot="${bad[1]}"]`);
    await until(page, () => document.querySelectorAll('.tile[data-outcome=FAIL]').length === 0, null);
    await until(wall, () => document.querySelectorAll('.tile[data-outcome=FAIL]').length === 0, null); // the enrolled screen followed
    await picture(wall, 'wall-screen');
    await page.context().close();
  });

  it('QA finds a unit by scan and exports the order', async () => {
    const page = await logIn('Quinn', '/records');
    await has(page, '[data-total]');
    await picture(page, 'records');
    await scan(page, serials[0] ?? '');
    await page.waitForURL(/\/units\/\d+$/);
    await reads(page, serials[0] ?? '');
    await has(page, '.unit-grid');
    await picture(page, 'unit');
    await page.goto(`${bench.url}/records?order=DAY-ORDER`);
    await has(page, '[data-total]');
    const [csv] = await Promise.all([page.waitForEvent('download'), page.click('[data-export=csv]')]);
    const text = readFileSync(await csv.path(), 'utf8');
    expect(text.split('\r\n').filter((row) => row.includes('DAY-ORDER'))).toHaveLength(boards);
    for (const serial of serials) expect(text).toContain(serial);
    for (const secret of secrets) expect(text).not.toContain(secret);
    await page.goto(`${bench.url}/numbers`);
    await has(page, 'svg');
    await picture(page, 'numbers');
    await page.goto(`${bench.url}/slots`);
    await has(page, '[data-slot-row]');
    expect(await page.$$eval('[data-slot-row]', (rows) => rows.map((row) => row.getAttribute('data-slot-row')))).toEqual(Array.from({ length: boards }, (_, i) => String(i + 1)));
    await picture(page, 'slots');
    await page.goto(`${bench.url}/handover`);
    await has(page, '[data-sheet=pools] p');
    await picture(page, 'handover');
    await page.context().close();
  });

  it('the technician looks at the host, changes a recipe and plays a failed job again', async () => {
    const page = await logIn('Tess', '/host');
    await has(page, '[data-finding]');
    await picture(page, 'host');
    await page.goto(`${bench.url}/recipes`);
    await has(page, '[data-verdict=accept]');
    const text = '[data-recipes]';
    const before = await page.inputValue(text);
    await page.fill(text, before.replace('use = "read-serial"', 'use = "read-seriel"'));
    await has(page, '[data-verdict=reject]');
    expect(await page.textContent('[data-complaint]')).toContain("did you mean 'read-serial'");
    await picture(page, 'recipes-bad');
    await page.fill(text, `${before}# looked through by Tess\n`);
    await has(page, '[data-do-review]:not([disabled])');
    await page.click('[data-do-review]');
    await has(page, '[data-diff]');
    await picture(page, 'recipes-diff');
    await page.click('[data-ask=save-recipes]');
    await page.fill('[data-reason=save-recipes] [name=reason]', 'yearly review');
    await page.click('[data-reason=save-recipes] [type=submit]');
    await has(page, '[data-saved]');
    await page.reload();
    await until(page, (sought) => document.querySelector<HTMLTextAreaElement>(sought)?.value.includes('# looked through by Tess') === true, text);
    await page.goto(`${bench.url}/records?order=DAY-ORDER&result=FAIL`);
    await page.click('tbody a[href^="/units/"]');
    await page.click('a[href$="/replay"]');
    await has(page, '[data-play]');
    await page.selectOption('[data-speed]', '60');
    await page.click('[data-play]');
    await has(page, '.replay-stage[data-state=flashing]');
    await has(page, '.replay-stage[data-state=fail]');
    await picture(page, 'replay');
    await page.context().close();
  });

  it('no answer of the day held a secret', () => {
    expect(read).toBeGreaterThan(100);
    expect(answers).toEqual([]);
  });
});
