// SPDX-License-Identifier: Apache-2.0
// A bounded window on a job's log: bytes in, lines out. Works on bytes so that positions stay those of the station
// (for step marks and the next request); each line is decoded by itself. Progress lines that a tool overwrites with
// carriage returns show their last form, colours are taken off. Pure; test/log_model.test.ts.
export interface LogLine {
  at: number; // byte position of its first byte
  text: string;
}

export const maxBytes = 4 * 1024 * 1024;
export const maxLines = 40_000;
const longest = 4000;

const decoder = new TextDecoder();
const colours = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

export const withoutColours = (bytes: Uint8Array): string => decoder.decode(bytes).replace(colours, '');

export function shownText(bytes: Uint8Array): string {
  let text = decoder.decode(bytes).replace(/\r+$/, '');
  const over = text.lastIndexOf('\r');
  if (over !== -1) text = text.slice(over + 1);
  text = text.replace(colours, '').replace(controls, '\ufffd').replaceAll('\t', '    ');
  return text.length > longest ? `${text.slice(0, longest)} …` : text;
}

export class LogWindow {
  start: number; // byte position of the first line held
  end: number; // byte position after the last byte held
  lines: LogLine[] = [];
  firstNumber: number | null; // number of lines[0], when the window reaches back to the log's start
  private open: Uint8Array = new Uint8Array(0); // a line whose end has not come yet

  constructor(from: number) {
    this.start = from;
    this.end = from;
    this.firstNumber = from === 0 ? 1 : null;
  }

  // A window that begins inside the log begins inside a line too: that piece is left out.
  static from(bytes: Uint8Array, from: number): LogWindow {
    if (from === 0) return new LogWindow(0).append(bytes);
    const cut = bytes.indexOf(10) + 1;
    const made = new LogWindow(from + cut);
    return made.append(bytes.subarray(cut));
  }

  append(bytes: Uint8Array): this {
    if (bytes.length === 0) return this;
    if (this.open.length > 0) this.lines.pop();
    const joined = new Uint8Array(this.open.length + bytes.length);
    joined.set(this.open);
    joined.set(bytes, this.open.length);
    let at = this.end - this.open.length;
    let from = 0;
    for (let to = joined.indexOf(10); to !== -1; to = joined.indexOf(10, from)) {
      this.lines.push({ at, text: shownText(joined.subarray(from, to)) });
      at += to + 1 - from;
      from = to + 1;
    }
    this.open = joined.slice(from);
    if (this.open.length > 0) this.lines.push({ at, text: shownText(this.open) });
    this.end += bytes.length;
    this.trim();
    return this;
  }

  // Earlier bytes, ending where this window starts.
  prepend(bytes: Uint8Array, from: number): this {
    const earlier = LogWindow.from(bytes, from);
    const ended = earlier.lines.slice(0, earlier.open.length > 0 ? -1 : undefined);
    this.lines = [...ended, ...this.lines];
    this.start = earlier.start;
    this.firstNumber = earlier.firstNumber;
    return this;
  }

  // Where the first line begins that is not held as a whole.
  get lineEnd(): number {
    return this.end - this.open.length;
  }

  get canGrowBack(): boolean {
    return this.start > 0 && this.end - this.start < maxBytes && this.lines.length < maxLines;
  }

  private trim(): void {
    let drop = Math.max(0, this.lines.length - maxLines);
    while (drop < this.lines.length - 1 && this.end - (this.lines[drop]?.at ?? this.end) > maxBytes) drop += 1;
    if (drop === 0) return;
    this.lines.splice(0, drop);
    this.start = this.lines[0]?.at ?? this.end;
    if (this.firstNumber !== null) this.firstNumber += drop;
  }
}

export function findHits(lines: readonly LogLine[], what: string): number[] {
  if (what === '') return [];
  const needle = what.toLowerCase();
  const hits: number[] = [];
  lines.forEach((line, i) => {
    if (line.text.toLowerCase().includes(needle)) hits.push(i);
  });
  return hits;
}
