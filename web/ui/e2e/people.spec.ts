// SPDX-License-Identifier: Apache-2.0
// Logging in, accounts and wall screens in a browser. Over a station of its own: with LINESIDE_FIRST_LINK, the link that
// `lineside admin first-link` printed for the station at LINESIDE_URL; else over the mock.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { openBench, until, type Bench } from './bench';

const desk = { width: 1280, height: 800 };
const password = 'correct horse 1';
const firstLink = process.env.LINESIDE_FIRST_LINK;
let bench: Bench;
beforeAll(async () => {
  const url = process.env.LINESIDE_URL;
  if (firstLink === undefined) delete process.env.LINESIDE_URL;
  bench = await openBench('login');
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

// A browser of its own: cookies and all. A 401 that the page answers by asking for a log-in is no error of it.
async function visitor(path: string, size = desk): Promise<{ page: Page; errors: string[] }> {
  const context = await bench.browser.newContext({ viewport: size });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 40[134]|status of 409/.test(message.text())) errors.push(message.text());
  });
  await page.goto(path.startsWith('http') ? path : bench.url + path);
  return { page, errors };
}
const has = (page: Page, what: string): Promise<void> => until(page, (sought) => document.querySelector(sought) !== null, what);
const reads = (page: Page, text: string): Promise<void> => until(page, (sought) => document.body.innerText.includes(sought), text);

describe('people', () => {
  let admin: Page;

  it('the first link makes an admin, who is logged in; its code leaves the address', async () => {
    const { page, errors } = await visitor(firstLink ?? '/first#code');
    await page.fill('[name=name]', 'Ana Kim');
    await page.fill('[name=password]', 'short');
    await page.click('[type=submit]');
    expect(await page.$('[data-form=first]')).not.toBeNull();
    await page.fill('[name=password]', password);
    await page.click('[type=submit]');
    await has(page, '[data-who=admin]');
    expect(new URL(page.url())).toMatchObject({ pathname: '/people', hash: '' });
    await has(page, '[data-account="Ana Kim"]');
    expect(errors).toEqual([]);
    admin = page;
  });

  it('an account is added; a name that is taken is told at the form', async () => {
    const add = async (name: string, role: string): Promise<void> => {
      await admin.fill('[data-form=account] [name=name]', name);
      await admin.selectOption('[data-form=account] [name=role]', role);
      await admin.fill('[data-form=account] [name=password]', password);
      await admin.click('[data-form=account] [type=submit]');
    };
    await add('Tess', 'technician');
    await has(admin, '[data-account="Tess"]');
    await add('tess', 'qa');
    await until(admin, () => document.querySelector('[data-form=account] .form-said.bad') !== null, null);
    await add('Olu', 'operator');
    await has(admin, '[data-account="Olu"]');
    expect(await admin.content()).not.toContain(password);
  });

  it.runIf(firstLink !== undefined)('a wall screen shows a code, a technician lets it in, and it is put out again', async () => {
    const wall = await visitor('/', { width: 1920, height: 1080 });
    await until(wall.page, () => /^\d{6}$/.test(document.querySelector<HTMLElement>('[data-screen-code]')?.dataset.screenCode ?? ''), null);
    const code = await wall.page.getAttribute('[data-screen-code]', 'data-screen-code') ?? '';
    const { page: tech } = await visitor('/people');
    await tech.fill('[name=name]', 'Tess');
    await tech.fill('[name=password]', password);
    await tech.click('[type=submit]');
    await has(tech, '[data-who=technician]');
    expect(await tech.$('[data-form=account]')).toBeNull();
    await tech.fill('[data-form=screen] [name=code]', `${code.slice(0, 3)} ${code.slice(3)}`);
    await tech.fill('[data-form=screen] [name=name]', 'Wall 1');
    await tech.click('[data-form=screen] [type=submit]');
    await has(tech, '[data-screen="Wall 1"]');
    await has(wall.page, '.wall[data-live=live]');
    // A screen sees the wall and nothing else.
    expect(await wall.page.evaluate(async () => (await fetch('/api/v1/records')).status)).toBe(403);
    await tech.click('[data-ask="revoke-Wall 1"]');
    await tech.fill('[data-reason="revoke-Wall 1"] [name=reason]', 'wall 1');
    await tech.click('[data-reason="revoke-Wall 1"] [type=submit]');
    await has(wall.page, '[data-screen-code]');
    expect(wall.errors).toEqual([]);
  });

  it.runIf(firstLink !== undefined)('an operator is kept to the wall, is refused the rest, and is put out when the account is closed', async () => {
    const { page } = await visitor('/login');
    await page.click('.languages [data-language=de]');
    await page.waitForSelector('html[lang^=de] [data-form=login]');
    await page.click('.languages [data-language=en]');
    await page.waitForSelector('html[lang^=en] [data-form=login]');
    await page.fill('[name=name]', 'olu');
    await page.fill('[name=password]', 'not that one');
    await page.click('[type=submit]');
    await reads(page, 'Name or password is wrong');
    await page.fill('[name=password]', password);
    await page.click('[type=submit]');
    await has(page, '.wall[data-live=live]');
    await page.goto(`${bench.url}/records`);
    await reads(page, 'Your role may not do this');
    await page.goto(`${bench.url}/`);
    await has(page, '.wall[data-live=live]');
    await admin.click('[data-ask="close-Olu"]');
    await admin.fill('[data-reason="close-Olu"] [name=reason]', 'Olu');
    await admin.click('[data-reason="close-Olu"] [type=submit]');
    await has(page, '[data-screen-code]');
  });

  it('logging out asks for a log-in again', async () => {
    await admin.click('[data-log-out]');
    await has(admin, '[data-screen-code]');
    await admin.goto(`${bench.url}/people`);
    await has(admin, '[data-form=login]');
  });
});
