// SPDX-License-Identifier: Apache-2.0
// A technician edits a recipe, looks at the host, plays a job again; over the mock.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { openMockBench, until, type Bench } from './bench';

const desk = { width: 1280, height: 800 };
let bench: Bench;
beforeAll(async () => { bench = await openMockBench('mixed16'); });
afterAll(() => bench.close());

const has = (page: Page, what: string): Promise<void> => until(page, (sought) => document.querySelector(sought) !== null, what);
const text = '[data-recipes]';

it('is checked while one types, compared, saved with a reason, and says when it holds', async () => {
  const { page, errors } = await bench.newPage(desk);
  let asked = 0;
  page.on('request', (request) => { asked += request.url().endsWith('/recipes/check') ? 1 : 0; });
  await page.goto(`${bench.url}/`);
  await page.goto(`${bench.url}/slots`);
  await page.click('nav a[href="/recipes"]');
  await has(page, '[data-verdict=accept]');
  expect(await page.isDisabled('[data-do-review]')).toBe(true);
  const before = await page.inputValue(text);
  await page.fill(text, before.replace('"prove-image"', '"prove-imag"'));
  await has(page, '[data-verdict=reject]');
  const line = before.split('\n').indexOf('use = "prove-image"') + 1;
  expect(await page.textContent(`[data-complaint="${line}"]`)).toMatch(/no step is called 'prove-imag'.*did you mean 'prove-image'/s);
  expect(await page.isDisabled('[data-do-review]')).toBe(true);
  await page.click(`[data-complaint="${line}"] button`);
  expect(await page.$eval(text, (area) => {
    const { value, selectionStart, selectionEnd } = area as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  })).toBe('"prove-imag"');
  // Keys that come fast are one question.
  await page.fill(text, before);
  await has(page, '[data-verdict=accept]');
  asked = 0;
  await page.focus(text);
  await page.keyboard.press('Control+End');
  await page.keyboard.type('# one two three four five six', { delay: 5 });
  await has(page, '[data-verdict=accept]');
  expect(asked).toBeLessThan(5);
  await page.fill(text, before.replace('2.11.0', '2.12.0'));
  await has(page, '[data-do-review]:not([disabled])');
  await page.click('[data-do-review]');
  await has(page, '[data-diff]');
  expect(await page.$$eval('.diff-new .diff-text, .diff-gone .diff-text', (lines) => lines.map((one) => one.textContent))).toEqual(['gone: version = "2.11.0"', 'new: version = "2.12.0"']);
  expect(await page.textContent('[data-stops]')).toContain('2611-07');
  await page.click('[data-ask=save-recipes]');
  await page.fill('[data-reason=save-recipes] [name=reason]', 'new camera software');
  await page.click('[data-reason=save-recipes] [type=submit]');
  await has(page, '[data-saved]');
  expect(await page.textContent('[data-pending]')).toContain('new camera software');
  expect(await page.inputValue(text)).toContain('2.12.0');
  expect(errors).toEqual([]);
  await page.close();
});

it('what somebody else has changed meanwhile is not written over', async () => {
  const { page } = await bench.newPage(desk);
  await page.goto(`${bench.url}/recipes`);
  await has(page, '[data-verdict=accept]');
  await fetch(`${bench.url}/mock/recipes`, { method: 'POST', headers: { 'X-Lineside': '1', 'Content-Type': 'application/json' }, body: '{}' });
  await page.fill(text, `${await page.inputValue(text)}# mine\n`);
  await has(page, '.recipe-said .problem');
  expect(await page.textContent('.recipe-said .problem')).toContain('Somebody else has changed the file');
  expect(await page.isDisabled('[data-do-review]')).toBe(true);
  await page.click('.recipe-said .problem button');
  await until(page, () => (document.querySelector<HTMLTextAreaElement>('[data-recipes]')?.value ?? '').includes('# somebody else'), null);
  await page.close();
});

it('host: findings with word, cause and remedy, the bad ones first, looked at again when asked', async () => {
  const { page, errors } = await bench.newPage(desk);
  let asked = 0;
  page.on('request', (request) => { asked += request.url().endsWith('/doctor') ? 1 : 0; });
  await page.goto(`${bench.url}/host`);
  await has(page, '[data-host=unfit]');
  expect(await page.getAttribute('[data-finding]', 'data-weight')).toBe('error');
  const helper = await page.textContent('[data-finding="host.helper"]');
  for (const part of ['bad', 'Root helper', 'does not answer', 'systemctl start lineside-helper']) expect(helper).toContain(part);
  const before = asked;
  await page.click('[data-again]');
  await until(page, (least) => performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/doctor')).length > least, before - 1);
  expect(asked).toBeGreaterThan(before - 1);
  expect(errors).toEqual([]);
  await page.close();
});

it('replay: plays, pauses, jumps, changes pace, and is never taken for a live tile', async () => {
  const { page, errors } = await bench.newPage(desk);
  await page.goto(`${bench.url}/jobs/812/replay`);
  await has(page, '[data-play]');
  expect(await page.textContent('[data-replay]')).toContain('REPLAY');
  expect(await page.$('.replay-stage button')).toBeNull();
  await page.selectOption('[data-speed]', '60');
  await page.click('[data-play]');
  await has(page, '.replay-stage[data-state=flashing]');
  await page.click('[data-play]');
  const at = await page.inputValue('[data-scrub]');
  expect(Number(at)).toBeGreaterThan(1000);
  await page.click('tbody tr:nth-child(3) button');
  await has(page, '.replay-stage[data-state=verifying]');
  await page.$eval('[data-scrub]', (bar) => {
    (bar as HTMLInputElement).value = (bar as HTMLInputElement).max;
    bar.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await has(page, '.replay-stage[data-state=pass]');
  await page.click('[data-play]'); // from the beginning again
  await has(page, '.replay-stage[data-state=flashing]');
  expect(errors).toEqual([]);
  await page.close();
});
