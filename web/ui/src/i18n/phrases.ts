// SPDX-License-Identifier: Apache-2.0
// What the station says, in the language of the page. The station speaks English, from closed tables; a phrase is found by its
// English words, `{}` or `{name}` standing for what is put in. What is not known stays as it came: better English than nothing.
export type Phrases = Readonly<Record<string, string>>;

interface Pattern { read: RegExp; write: string }

const hole = /\{\w*\}/g;
const rememberMost = 2000;

let exact: Phrases = {};
let patterns: readonly Pattern[] = [];
const remembered = new Map<string, string>();

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const fixed = (text: string): number => text.replace(hole, '').length;

export function setPhrases(phrases: Phrases): void {
  exact = phrases;
  remembered.clear();
  patterns = Object.keys(phrases)
    .filter((text) => /\{\w*\}/.test(text))
    .sort((a, b) => fixed(b) - fixed(a)) // the most of its own words first
    .map((text) => ({ read: new RegExp(`^${text.split(hole).map(quoted).join('(.+?)')}$`), write: phrases[text] ?? text }));
}

// "{} … {}" in order, or "{0} … {1}" where another language wants them the other way round.
function filled(write: string, values: readonly string[]): string {
  let at = 0;
  return write.replace(hole, (mark) => {
    const number = /^\{(\d+)\}$/.exec(mark)?.[1];
    return values[number === undefined ? at++ : Number(number)] ?? '';
  });
}

function find(text: string): string {
  const whole = exact[text];
  if (whole !== undefined) return whole;
  // "Did not start (F12)"
  const coded = /^(.+) (\([A-Z]\d+\))$/.exec(text);
  if (coded) return `${translated(coded[1] ?? '')} ${coded[2] ?? ''}`;
  for (const { read, write } of patterns) {
    const found = read.exec(text);
    if (found) return filled(write, found.slice(1).map(translated));
  }
  return text;
}

export function translated(text: string): string {
  if (patterns.length === 0) return text;
  let found = remembered.get(text);
  if (found === undefined) {
    found = find(text);
    if (remembered.size >= rememberMost) remembered.clear();
    remembered.set(text, found);
  }
  return found;
}

// Members that hold the station's own words, by what they are part of. What a person typed has other names.
export const ownWords = {
  wall: new Set(['word', 'short', 'action', 'button', 'reason', 'note', 'fact', 'sentence']),
  unit: new Set(['word', 'short', 'action', 'button', 'note', 'fact', 'sentence', 'title', 'label', 'reason']),
  list: new Set(['word', 'action', 'sentence', 'certain', 'next_step', 'next_step_why']),
  orders: new Set(['changed', 'image_error', 'why']),
  problem: new Set(['title', 'detail', 'hint', 'message']),
  check: new Set(['message']),
} as const;

// Puts the station's words of a fresh JSON value into the language of the page, in place.
export function localise<T>(value: T, members: ReadonlySet<string>): T {
  if (patterns.length === 0 || typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  for (const name of Object.keys(object)) {
    const member = object[name];
    if (typeof member === 'string') {
      if (members.has(name)) object[name] = translated(member);
    } else {
      localise(member, members);
    }
  }
  return value;
}
