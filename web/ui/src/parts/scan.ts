// SPDX-License-Identifier: Apache-2.0
// What a scan does by itself: it finds a unit, and acknowledges the slot where its verdict waits. All else asks at its own place.
import { api, sentenceOf } from '../api/client';
import type { Tile } from '../api/types';
import { ScanReader, type ScanKeys } from '../live/scan_reader';
import { askSession, may } from '../live/session';
import { beep } from '../live/sound';
import { go } from '../router';
import { t } from '../i18n';
import { tileBy, unitOnRecord } from './find_unit';
import { allTiles, showAnswer } from '../live/store';
import { nextIsLabelOf, press, pressOf, say, takeLabelSlot } from './press';

// What a badge holds is never said, shown or kept, right or wrong.
const isBadge = (code: string): boolean => /^lsb1:/i.test(code);

async function badge(code: string): Promise<void> {
  try {
    const { name } = await api.openShift(code);
    beep('tick');
    say(t.badge.works(name), false);
  } catch (problem) {
    beep('buzz');
    const { sentence, hint } = sentenceOf(problem);
    say([sentence, hint].filter((part) => part !== null).join('. '), true);
  } finally {
    await askSession();
  }
}

// Where tiles clear with their label: a slot's number picks the slot, what is read next is its label. One that waits alone needs no
// picking. Which slot a label was stuck on at is never guessed from the label itself: that is what is to be found out.
function labelSlot(code: string): Tile | 'picked' | 'which' | null {
  const waiting = allTiles.peek().map((shown) => shown.tile).filter((tile) => pressOf(tile) === 'label');
  const picked = takeLabelSlot();
  const named = waiting.find((tile) => tile.slot.toLowerCase() === code.toLowerCase());
  if (named) {
    nextIsLabelOf(named.slot);
    return 'picked';
  }
  const tile = waiting.find((one) => one.slot === picked) ?? (waiting.length === 1 ? waiting[0] : undefined);
  if (tile) return tile;
  return waiting.some((one) => one.serial === code) ? 'which' : null;
}

async function checkLabel(tile: Tile, code: string): Promise<void> {
  try {
    showAnswer(await api.checkLabel(tile.slot, tile.job ?? 0, code));
    beep('tick');
    say(t.scan.labelRight(code, tile.slot), false);
  } catch (problem) {
    beep('buzz');
    const { sentence, hint } = sentenceOf(problem);
    say([`${t.wall.slot(tile.slot)}: ${sentence}`, hint].filter((part) => part !== null).join(' '), true);
  }
}

export async function scanned(code: string): Promise<void> {
  if (isBadge(code)) return badge(code);
  const label = labelSlot(code);
  if (label === 'picked') return beep('tick');
  if (label === 'which') {
    beep('buzz');
    return say(t.scan.whichSlot, true);
  }
  if (label !== null) return checkLabel(label, code);
  const tile = tileBy(code);
  if (tile !== null) {
    beep('tick');
    if (pressOf(tile) === 'acknowledge') {
      say(t.scan.acknowledged(code, tile.slot), false);
      await press(tile);
    } else {
      say(t.scan.at(code, tile.slot), false);
      // A unit that passed and is scanned gets its label; where the station prints none it says so, and that is no news here.
      if (tile.outcome === 'PASS' && tile.job !== null && may('operator')) api.askLabel(tile.job).catch(() => undefined);
      if (tile.unit !== null && may('qa')) go(`/units/${tile.unit}`);
    }
    return;
  }
  if (!may('qa')) {
    beep('buzz');
    return say(t.find.none(code), true);
  }
  try {
    const unit = await unitOnRecord(code);
    beep(unit === null ? 'buzz' : 'tick');
    if (unit === null) return say(t.find.none(code), true);
    say(t.scan.read(code), false);
    go(`/units/${unit}`);
  } catch (problem) {
    beep('buzz');
    say(sentenceOf(problem).sentence, true);
  }
}

let reader: ScanReader | null = null;

// Once the station has said which keys its scanners send; before any field sees a key.
export function startScan(keys: ScanKeys): void {
  const first = reader === null;
  if (first || reader?.keys.prefix !== keys.prefix || reader.keys.end !== keys.end) reader = new ScanReader(keys);
  if (!first) return;
  window.addEventListener('keydown', (event) => {
    if (event.repeat || reader === null) return;
    const { taken, code } = reader.feed(event.key, event.timeStamp);
    if (!taken) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (code !== null) void scanned(code);
  }, { capture: true });
}
