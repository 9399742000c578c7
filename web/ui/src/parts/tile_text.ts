// SPDX-License-Identifier: Apache-2.0
// What a tile says in which place, from the station's words. Pure; test/tile_text.test.ts.
import type { Tile } from '../api/types';
import { t } from '../i18n';
import { duration } from '../i18n/format';

export type FactSize = 'big' | 'middle' | 'serial' | 'reason' | 'long' | 'note';

// What fits one line of a large tile; longer phrases are walk-up text in smaller type on two lines.
export const reasonBudget = 21;
export const actionBudget = 19;

// In letters; a Chinese character is a little wider than two.
export const widthOf = (text: string): number => [...text].reduce((sum, c) => sum + (c > '\u2e7f' ? 2.2 : 1), 0);

const reasonFact = (text: string): { text: string; size: FactSize } => ({
  text, size: widthOf(text) > reasonBudget ? 'long' : 'reason',
});

export function factOf(tile: Tile): { text: string; size: FactSize } | null {
  if (tile.note !== null) return { text: tile.note, size: 'note' };
  switch (tile.tone) {
    case 'work':
      if (tile.position_in_line !== null) return { text: t.wall.inLine(tile.position_in_line), size: 'middle' };
      if (tile.fact !== null) return { text: tile.fact, size: widthOf(tile.fact) <= 8 ? 'big' : 'middle' };
      if (tile.state === 'personalising' && tile.serial !== null) return { text: tile.serial, size: 'serial' };
      if (tile.percent !== null) return { text: `${tile.percent} %`, size: 'big' };
      break;
    case 'fill-green':
      if (tile.serial !== null) return { text: tile.serial, size: 'serial' };
      break;
    case 'fill-amber': // whose label, until it is the wrong one
      if (tile.ack === 'label' && tile.display_code === null && tile.serial !== null) return { text: tile.serial, size: 'serial' };
      if (tile.display_code !== null && tile.reason !== null) return reasonFact(`${tile.display_code} · ${tile.reason}`);
      break;
    case 'frame-red':
    case 'frame-red-double':
    case 'stripe':
      if (tile.display_code !== null && tile.reason !== null) {
        return reasonFact(`${tile.display_code} · ${tile.reason}`);
      }
      break;
    default:
      break;
  }
  const text = tile.reason ?? tile.fact;
  return text === null ? null : reasonFact(text);
}

export function timeText(tile: Tile, secondsLeft: number | null): string | null {
  if (secondsLeft === null || tile.time_form === null) return null;
  const time = duration(secondsLeft);
  if (tile.time_form === 'left') return t.wall.left(time);
  return tile.time_form === 'in' ? t.wall.inTime(time) : t.wall.within(time);
}

// Walk-up text, on large tiles only: what a unit in the line has to wait for; while it is written, whether a known or a second unit is found
// before the first byte.
export function walkUpText(tile: Tile): string | null {
  if (tile.state === 'waiting' && tile.position_in_line !== null) return tile.reason;
  return tile.state === 'flashing' && tile.chip_check !== null ? t.wall.chipCheck[tile.chip_check] : null;
}

// The word on a medium or small tile: "Flash 47 %", "Test 7 of 9", "Waiting 3rd".
export function shortWord(tile: Tile): string {
  if (tile.tone !== 'work') return tile.short;
  if (tile.position_in_line !== null) return `${tile.short} ${t.ordinal(tile.position_in_line)}`;
  if (tile.fact !== null && widthOf(tile.fact) <= 8) return `${tile.short} ${tile.fact}`;
  if (tile.percent !== null && tile.state !== 'personalising') return `${tile.short} ${tile.percent} %`;
  return tile.short;
}

// The little fact beside the number on a small tile: last four of the serial, the code, or the time.
export function smallFact(tile: Tile, secondsLeft: number | null): string | null {
  if (tile.tone === 'fill-green') return tile.serial === null ? null : tile.serial.slice(-4);
  if (tile.outcome !== null) return tile.display_code;
  return secondsLeft === null || tile.time_form === null ? null : duration(secondsLeft);
}

export function titleOf(tile: Tile): string {
  return tile.mapped ? t.wall.slot(tile.slot) : t.wall.unmapped(tile.slot);
}

// "Slot 3, FAIL F12, Did not start, Put in repair bin"
export function spokenTile(tile: Tile): string {
  const fact = factOf(tile);
  const verdict = tile.tone === 'fill-red' && tile.display_code !== null ? `${tile.word} ${tile.display_code}` : tile.word;
  return [titleOf(tile), verdict, fact?.text ?? null, tile.action]
    .filter((part): part is string => part !== null && part !== '')
    .join(', ');
}

// At work a small blue icon under the number; the large one top right only where a person must look.
export function isQuiet(tile: Tile): boolean {
  return tile.tone === 'work' || tile.tone === 'sunken';
}

export const isVerdict = (tile: Tile): boolean => tile.tone === 'fill-green' || tile.tone === 'fill-red';
