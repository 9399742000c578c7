// SPDX-License-Identifier: Apache-2.0
// What the recipes page needs to know of a text: where a complaint stands, what a change is. Pure.
import { diffLines } from 'diff';

// Place of a line and column (from 1, columns in characters, not in UTF-16 units) in a text, with the rest of its word.
export function rangeOf(text: string, line: number, column: number): { from: number; to: number } {
  let from = 0;
  for (let i = 1; i < line; i += 1) {
    const next = text.indexOf('\n', from);
    if (next === -1) return { from: text.length, to: text.length };
    from = next + 1;
  }
  const end = text.indexOf('\n', from);
  const rest = text.slice(from, end === -1 ? text.length : end);
  const before = [...rest].slice(0, Math.max(0, column - 1)).join('').length;
  const word = /^(?:"[^"]*"|'[^']*'|\[+[^\]]*\]+|[^\s=,\]}]+)/.exec(rest.slice(before))?.[0] ?? rest.slice(before, before + 1);
  return { from: from + before, to: from + before + word.length };
}

export interface DiffLine {
  kind: 'same' | 'gone' | 'new' | 'cut';
  text: string; // of a cut: how many lines are left out
  line: number | null; // in the new text
}

const around = 3;

// Lines that differ, with three around them.
export function linesOfDiff(before: string, after: string): DiffLine[] {
  const all: DiffLine[] = [];
  let line = 1;
  for (const part of diffLines(before, after)) {
    const lines = part.value.endsWith('\n') ? part.value.slice(0, -1).split('\n') : part.value.split('\n');
    for (const text of lines) {
      const kind = part.added ? 'new' : part.removed ? 'gone' : 'same';
      all.push({ kind, text, line: kind === 'gone' ? null : line });
      if (kind !== 'gone') line += 1;
    }
  }
  const near = all.map((_, i) => all.slice(Math.max(0, i - around), i + around + 1).some((one) => one.kind !== 'same'));
  const out: DiffLine[] = [];
  for (let i = 0; i < all.length; i += 1) {
    const one = all[i];
    if (one === undefined) continue;
    if (near[i]) {
      out.push(one);
      continue;
    }
    let end = i;
    while (end + 1 < all.length && !near[end + 1]) end += 1;
    out.push({ kind: 'cut', text: String(end - i + 1), line: null });
    i = end;
  }
  return out;
}
