// SPDX-License-Identifier: Apache-2.0
// Every failure of station/base/codes fits its tile with the real font, in each language: nothing cut, nothing over another line,
// at each tile class. Runs over the mock alone.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { given, tile, tilesOf } from '../mock/states.mjs';
import type { Tile } from '../src/api/types';
import { languages } from '../src/i18n';
import type { Page } from 'playwright-core';
import { openBench, openWall, until, type Bench } from './bench';

const source = readFileSync(new URL('../../../station/base/codes.cpp', import.meta.url), 'utf8');
const entries = [...source.matchAll(/\{"([a-z_.*]+)",\s*\w+,\s*"([FEA]\d+)",\s*"([^"]*)",\s*"([^"]*)"/g)];

function tileOf(slot: string, code: string, display: string, sentence: string, action: string): Tile {
  const kind = display.startsWith('F') ? 'failOut' : display.startsWith('E') ? 'error' : 'stopped';
  return tile(slot, kind, { code, display_code: display, reason: sentence, action });
}

const pages: Tile[][] = [];
for (let from = 0; from < entries.length; from += 16) {
  pages.push(entries.slice(from, from + 16).map(([, code = '', display = '', sentence = '', action = ''], i) => tileOf(String(i + 1), code, display, sentence, action)));
}

// The other tiles come as a station sends them, over the link that is open.
async function show(page: Page, tiles: Tile[]): Promise<Page> {
  const seq = Math.max(...tiles.map((one) => bench.mock?.change(one.slot, one).seq ?? 0));
  await until(page, (last) => (window.__lineside.lastSeq ?? 0) >= last, seq);
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  return page;
}

let bench: Bench;
beforeAll(async () => {
  given.push(...(pages[0] ?? []));
  const url = process.env.LINESIDE_URL;
  delete process.env.LINESIDE_URL;
  bench = await openBench('given');
  if (url !== undefined) process.env.LINESIDE_URL = url;
});
afterAll(() => bench.close());

const sizes = [
  { name: 'large', width: 1920, height: 1080, slots: 16 },
  { name: 'tablet', width: 800, height: 1280, slots: 8 },
  { name: 'few', width: 1920, height: 1080, slots: 8 },
];
const cases = Object.keys(languages).flatMap((language) =>
  sizes.filter(({ name }) => language === 'en' || name !== 'few').map((size) => ({ language, ...size })));

describe('every failure fits its tile', () => {
  it('reads the table', () => expect(entries.length).toBeGreaterThan(40));

  it.each(cases)('$name, $language', async ({ language, width, height, slots }) => {
    const cut: string[] = [];
    const all = pages.flat();
    let opened: Page | null = null;
    for (let from = 0; from < all.length; from += slots) {
      const batch = Array.from({ length: slots }, (_, i) => {
        const one = all[(from + i) % all.length];
        if (!one) throw new Error('no tile');
        return { ...one, slot: String(i + 1) };
      });
      if (opened === null) given.splice(0, given.length, ...batch);
      const page: Page = opened === null ? (await openWall(bench, { width, height }, language)).page : await show(opened, batch);
      opened = page;
      await page.evaluate(() => document.fonts.ready);
      cut.push(...await page.$$eval('.tile', (tiles) => tiles.flatMap((one) => {
        const edge = one.getBoundingClientRect();
        const foot = one.querySelector('.foot')?.getBoundingClientRect();
        const out: string[] = [];
        for (const part of one.querySelectorAll<HTMLElement>('.word > *, .action, .fact, .key span')) {
          const box = part.getBoundingClientRect();
          if (box.width === 0) continue;
          if (box.right > edge.right || box.bottom > edge.bottom) out.push(`cut: ${part.textContent}`);
          if (part.classList.contains('fact') && foot && foot.height > 0 && box.bottom > foot.top + 2) out.push(`over the foot: ${part.textContent}`);
        }
        return out;
      })));
    }
    await opened?.close();
    expect([...new Set(cut)]).toEqual([]);
  });
});

describe('the wall at work', () => {
  it.each(Object.keys(languages))('holds its words, %s', async (language) => {
    given.splice(0, given.length, ...tilesOf('mixed16'));
    for (const size of [{ width: 1920, height: 1080 }, { width: 800, height: 1280 }]) {
      const { page } = await openWall(bench, size, language);
      await page.evaluate(() => document.fonts.ready);
      const wrong = await page.evaluate(() => {
        const out: string[] = [];
        const shown = (one: Element): DOMRect | null => { const box = one.getBoundingClientRect(); return box.width === 0 ? null : box; };
        for (const cell of document.querySelectorAll('.top-cell')) {
          const edge = cell.getBoundingClientRect();
          for (const part of cell.querySelectorAll('.value > *, .value, a, .language, button')) {
            const box = shown(part);
            if (box && box.right > edge.right + 1) out.push(`top bar: ${part.textContent}`);
          }
        }
        for (const tile of document.querySelectorAll('.tile')) {
          const edge = tile.getBoundingClientRect();
          for (const step of tile.querySelectorAll('.step')) {
            const box = shown(step);
            if (box && box.right > edge.right) out.push(`step: ${step.textContent}`);
          }
          const fact = tile.querySelector('.fact');
          const time = tile.querySelector('.time');
          const a = fact && shown(fact);
          const b = time && shown(time);
          if (a && b && a.right > b.left && a.bottom > b.top && b.bottom > a.top) out.push(`fact and time: ${fact?.textContent} ${time?.textContent}`);
          const sign = tile.querySelector('.sign');
          const word = tile.querySelector('.word-long');
          const c = sign && shown(sign);
          const d = word && shown(word);
          if (c && d && d.right > c.left) out.push(`word and sign: ${word?.textContent}`);
        }
        return out;
      });
      expect([...new Set(wrong)], `${size.width}`).toEqual([]);
      await page.close();
    }
  });
});
