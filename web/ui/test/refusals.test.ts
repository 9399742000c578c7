// SPDX-License-Identifier: Apache-2.0
// Each sentence by which the station refuses something at the page is known to the phrases, so that it is said in the page's language. The
// sources are read as they stand: a new refusal that nobody translated fails here.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { beside, tables } from './phrases';
import { notAtThePage, notAtThePageBut, refusals } from './refusals';

const root = new URL('../../../', import.meta.url);
const folders = ['serial-pool', 'station/care', 'station/engine', 'station/journal', 'station/labels', 'station/people', 'station/records', 'web/api', 'web/server'];

// The texts of calls that make an error of a request's code: literals that stand side by side are one, '+' and other calls part them.
const call = /\b(?:fail|make_error|wrong|refused?)\(\s*"((?:request|http|people|batch|slot|label|order|lease|pool|image)\.[a-z_]+)"\s*,/g;

function argumentsFrom(source: string, at: number): string {
  let depth = 1;
  let text = false;
  for (let i = at; i < source.length; i += 1) {
    const c = source[i];
    if (text) {
      if (c === '\\') i += 1;
      else if (c === '"') text = false;
    } else if (c === '"') text = true;
    else if (c === '(') depth += 1;
    else if (c === ')') {
      depth -= 1;
      if (depth === 0) return source.slice(at, i);
    }
  }
  return source.slice(at);
}

interface Said { file: string; text: string }

function said(): Said[] {
  return folders.flatMap((folder) => readdirSync(new URL(`${folder}/`, root)).filter((name) => /\.(cpp|h)$/.test(name) && !/(_test\.cpp|_fixture\.h|test_support\.h)$/.test(name)).flatMap((name) => {
    const file = `${folder}/${name}`;
    const source = readFileSync(new URL(file, root), 'utf8').replace(/^\s*\/\/.*$/gm, '').replace(/"\s*\n\s*"/g, '');
    return [...source.matchAll(call)].flatMap((found) => {
      const rest = argumentsFrom(source, found.index + found[0].length);
      return [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => ({ file, text: (text ?? '').replaceAll('\\"', '"') })).filter(({ text }) => /[A-Za-z]{2,}.* /.test(text));
    });
  }));
}

const known = [...tables(), ...beside.map(([text]) => text)];
const pieces = (text: string): string[] => text.replaceAll('{{', '{').replaceAll('}}', '}').split(/\{[^}]*\}/).map((part) => part.trim()).filter((part) => part !== '');
const translatable = (text: string): boolean => known.some((phrase) => pieces(text).every((part) => phrase.includes(part)));

describe('refusals', () => {
  const all = said();

  it('the sources are read', () => {
    expect(all.length).toBeGreaterThan(110);
    expect(all).toContainEqual({ file: 'station/people/people_screens.cpp', text: 'No screen shows this code' });
    expect(all).toContainEqual({ file: 'serial-pool/staged_load.cpp', text: 'There is a batch {} already' });
  });

  it('each is translated, or said to other clients alone', () => {
    const missing = all.filter(({ file, text }) => !notAtThePage.some(([which]) => which.test(file)) && !notAtThePageBut.includes(text) && !translatable(text));
    expect(missing).toEqual([]);
  });

  it('what is excepted is there', () => {
    for (const text of notAtThePageBut) expect(all.map((one) => one.text), text).toContain(text);
    for (const [which] of notAtThePage) expect(all.some(({ file }) => which.test(file)), String(which)).toBe(true);
    for (const file of Object.keys(refusals)) expect(() => readFileSync(new URL(file, root)), file).not.toThrow();
  });
});
