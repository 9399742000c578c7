// SPDX-License-Identifier: Apache-2.0
// A scanner is a keyboard. It is told from typing by the key it sends first and the key it sends last (station.toml, [scan]), and by
// its pace: a person does not type a key in every tenth of a second. What it reads goes to no text field. Pure; the clock is given.
export interface ScanKeys {
  prefix: string; // KeyboardEvent.key, such as "F9" or "~"
  end: string;    // "Enter"
}

export const paceMs = 100;
export const longest = 256;

export interface Fed {
  taken: boolean;       // belongs to a scan: nobody else may see this key
  code: string | null;  // a scan has ended with this
}

export class ScanReader {
  private text: string | null = null; // null: no scan under way
  private lastMs = 0;

  constructor(readonly keys: ScanKeys) {}

  feed(key: string, atMs: number): Fed {
    const late = atMs - this.lastMs > paceMs;
    this.lastMs = atMs;
    if (this.text !== null && late) this.text = null; // it was a person, or the scanner was cut off
    if (this.text === null) {
      if (key !== this.keys.prefix) return { taken: false, code: null };
      this.text = '';
      return { taken: true, code: null };
    }
    if (key === this.keys.end) {
      const code = this.text.trim();
      this.text = null;
      return { taken: true, code: code === '' ? null : code };
    }
    if (key === this.keys.prefix) this.text = '';
    else if ([...key].length === 1 && this.text.length < longest) this.text += key; // Shift and the like stand for nothing
    return { taken: true, code: null };
  }
}
