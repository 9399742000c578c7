// SPDX-License-Identifier: Apache-2.0
// Each language has every word of the page, and a phrase for all that the station's sources say; nothing beside, nothing empty.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { languages, loaders, type Language, type Loaded } from '../src/i18n';
import { en } from '../src/i18n/en';
import { localise, ownWords, setPhrases, translated } from '../src/i18n/phrases';
import { widthOf } from '../src/parts/tile_text';
import { beside, tables } from './phrases';

type Tree = { [name: string]: unknown };
const others = Object.keys(loaders) as Exclude<Language, 'en'>[];
const loaded = new Map<string, Loaded>();
beforeAll(async () => {
  for (const tag of others) loaded.set(tag, await loaders[tag]());
});
const of = (tag: string): Loaded => {
  const one = loaded.get(tag);
  if (!one) throw new Error(tag);
  return one;
};

function shape(value: unknown, path = ''): string[] {
  if (typeof value === 'function') return [`${path}(${value.length})`];
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value as Tree).flatMap(([name, part]) => shape(part, `${path}.${name}`));
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value as Tree).flatMap(leaves);
}

const holes = (text: string): string => [...text.matchAll(/\{(\w*)\}/g)].length.toString();

it('the languages of the list are those that can be loaded', () => {
  expect(Object.keys(languages).sort()).toEqual(['en', ...others].sort());
  const files = readdirSync(new URL('../src/i18n', import.meta.url)).filter((name) => /^(station_)?[a-z]{2}\.ts$/.test(name));
  expect(files.sort()).toEqual(['en.ts', ...others.flatMap((tag) => [`${tag}.ts`, `station_${tag}.ts`])].sort());
});

it('every word of the page is used on it', () => {
  const below = (folder: URL): string => readdirSync(folder, { withFileTypes: true }).map((one) => {
    if (one.isDirectory()) return below(new URL(`${one.name}/`, folder));
    return /^(en|de|es|vi|zh|station_..)\.ts$/.test(one.name) ? '' : readFileSync(new URL(one.name, folder), 'utf8');
  }).join('\n');
  const source = below(new URL('../src/', import.meta.url));
  const unused = Object.entries(en).flatMap(([part, words]) => {
    if (typeof words !== 'object') return source.includes(`t.${part}`) ? [] : [part];
    if (source.includes(`t.${part}[`)) return [];
    return Object.keys(words).filter((word) => !new RegExp(`t\\.${part}\\.${word}\\b`).test(source)).map((word) => `${part}.${word}`);
  });
  expect(unused).toEqual([]);
});

describe.each(others)('%s', (tag) => {
  it('has every word of the page', () => {
    expect(shape(of(tag).texts)).toEqual(shape(en));
    expect(leaves(of(tag).texts).filter((text) => text.trim() === '')).toEqual(leaves(en).filter((text) => text.trim() === ''));
  });

  it('is not left in English', () => {
    const same = leaves(of(tag).texts).filter((text) => / [a-z]+ [a-z]+/.test(text) && leaves(en).includes(text));
    expect(same).toEqual([]);
    const phrases = Object.entries(of(tag).phrases);
    expect(phrases.filter(([from, to]) => from === to && / [a-z]+ [a-z]+/.test(from))).toEqual([]);
  });

  it('has every phrase of the station, and none beside', () => {
    const wanted = [...new Set([...tables(), ...beside.map(([text]) => text)])].sort();
    expect(Object.keys(of(tag).phrases).sort()).toEqual(wanted);
  });

  it('puts in as much as English does', () => {
    const wrong = Object.entries(of(tag).phrases).filter(([from, to]) => holes(from) !== holes(to) || to.trim() === '');
    expect(wrong).toEqual([]);
  });

  it('names buttons as they are named', () => {
    const { phrases } = of(tag);
    for (const [press, button] of [['Press Try again', 'Try again'], ['Press Done', 'Done']] as const) {
      expect(phrases[press]?.toLowerCase()).toContain(phrases[button]?.toLowerCase());
    }
  });

  it('fits the wall', () => {
    const { phrases } = of(tag);
    for (const step of of(tag).texts.wall.steps) expect(widthOf(step), step).toBeLessThanOrEqual(9);
    for (const button of ['OK, taken out', 'Try again', 'Done']) expect(widthOf(phrases[button] ?? ''), button).toBeLessThanOrEqual(16);
  });
});

it('each phrase beside the tables stands in the source it is said to be of', () => {
  for (const [text, files, pieces] of beside) {
    const source = files.split(' ').map((file) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')).join('').replace(/"\s*\n\s*"/g, '').replaceAll('\\"', '"');
    const parts = pieces ?? text.split('{}').map((part) => part.trim()).filter((part) => part !== '');
    for (const part of parts) expect(source.includes(part), `${files}: ${part}`).toBe(true);
  }
});

describe('putting in', () => {
  beforeAll(() => setPhrases({
    'Take out': 'Heraus', 'Did not start': 'Startet nicht', 'step failed: {}': 'Schritt: {}', 'Unit reports {}, leased is {}': '{1} statt {0}',
    '{} serials left': 'noch {}', 'serial {serial} voided: {reason}': '{} aufgegeben: {}',
  }));
  afterAll(() => setPhrases({}));

  it('whole phrases, patterns, codes behind a sentence, phrases within phrases', () => {
    expect(translated('Take out')).toBe('Heraus');
    expect(translated('Did not start (F12)')).toBe('Startet nicht (F12)');
    expect(translated('step failed: Did not start (F12)')).toBe('Schritt: Startet nicht (F12)');
    expect(translated('Unit reports A-1, leased is A-2')).toBe('A-2 statt A-1');
    expect(translated('serial A-1 voided: lost: at sea')).toBe('A-1 aufgegeben: lost: at sea');
    expect(translated('12 serials left')).toBe('noch 12');
    expect(translated('Nobody knows this')).toBe('Nobody knows this');
  });

  it('only members that are the station’s own words', () => {
    const tile = { slot: 'Take out', word: 'Take out', order: { name: 'Take out' }, list: [{ action: 'Take out', note: null }] };
    expect(localise(tile, ownWords.wall)).toEqual({ slot: 'Take out', word: 'Heraus', order: { name: 'Take out' }, list: [{ action: 'Heraus', note: null }] });
  });
});
