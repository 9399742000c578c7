// SPDX-License-Identifier: Apache-2.0
// Times, counts and sizes as people read them. Local time, 24 hours; the ISO form goes into a title.
import { t } from '.';

const pad = (n: number): string => String(n).padStart(2, '0');

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = whole % 60;
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

export function clock(ms: number): string {
  const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

export function clockSeconds(ms: number): string {
  return `${clock(ms)}:${pad(new Date(ms).getSeconds())}`;
}

// Made when first used: the language is loaded by then.
function once<T>(make: (locale: string) => T): () => T {
  let made: T | undefined;
  return () => (made ??= make(t.language.locale));
}
const day = once((locale) => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' }));
const dayShort = once((locale) => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }));
const weekday = once((locale) => new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric' }));
const whole = once((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));
const tenth = once((locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
const decimal = (n: number, digits: number): string => (digits === 0 ? whole() : tenth()).format(n);

export const date = (ms: number): string => day().format(ms);

// Today only the time, this year without the year.
export function when(ms: number, nowMs: number): string {
  const d = new Date(ms);
  const n = new Date(nowMs);
  if (d.toDateString() === n.toDateString()) return clock(ms);
  return `${d.getFullYear() === n.getFullYear() ? dayShort().format(ms) : day().format(ms)}, ${clock(ms)}`;
}

export function whenSeconds(ms: number, nowMs: number): string {
  const d = new Date(ms);
  if (d.toDateString() === new Date(nowMs).toDateString()) return clockSeconds(ms);
  return `${dayShort().format(ms)}, ${clockSeconds(ms)}`;
}

export const percent = (share: number, digits: 0 | 1 = 1): string => `${decimal(share * 100, digits)} %`;

// "Fri 20"
export const dayName = (ms: number): string => weekday().format(ms);

export const iso = (ms: number): string => new Date(ms).toISOString();

export const count = (n: number): string => whole().format(n);

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${decimal(bytes / 1e3, bytes < 1e4 ? 1 : 0)} kB`;
  if (bytes < 1e9) return `${decimal(bytes / 1e6, 1)} MB`;
  return `${decimal(bytes / 1e9, 1)} GB`;
}

// 0x80021911651462240000000012fc0140 -> 0x8002…fc0140
export const shortHex = (text: string): string =>
  text.length > 16 ? `${text.slice(0, 6)}…${text.slice(-6)}` : text;
