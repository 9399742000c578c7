// SPDX-License-Identifier: Apache-2.0
// A scanner is a keyboard. It is told from typing by the key it sends first and the key it sends last (station.toml, [scan]), and by
// its pace: a person does not type a key in every tenth of a second. Once its pace was seen a busy screen may hold it up for a while. What it
// reads goes to no text field. Pure; the clock is given.
export interface ScanKeys {
  prefix: string; // KeyboardEvent.key, such as "F9" or "~"
  end: string;    // "Enter"
}

export const paceMs = 100;
export const pauseMs = 700;
export const longest = 256;

export interface Fed {
  taken: boolean;       // belongs to a scan: nobody else may see this key
  code: string | null;  // a scan has ended with this
}

export class ScanReader {
  private text: string | null = null; // null: no scan under way
  private fast = 0; // keys that came at a scanner's pace
  private lastMs = 0;

  constructor(readonly keys: ScanKeys) {}

  feed(key: string, atMs: number): Fed {
    const waited = atMs - this.lastMs;
    this.lastMs = atMs;
    if (this.text !== null && waited > (this.fast < 2 ? paceMs : pauseMs)) this.text = null; // it was a person, or the scanner was cut off
    if (this.text === null) {
      if (key !== this.keys.prefix) return { taken: false, code: null };
      this.text = '';
      this.fast = 0;
      return { taken: true, code: null };
    }
    if (waited <= paceMs) this.fast += 1;
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
