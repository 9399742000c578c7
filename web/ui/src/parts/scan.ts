// SPDX-License-Identifier: Apache-2.0
// What a scan does by itself: it finds a unit, and acknowledges the slot where its verdict waits. All else asks at its own place.
import { api, sentenceOf } from '../api/client';
import { ScanReader, type ScanKeys } from '../live/scan_reader';
import { may } from '../live/session';
import { beep } from '../live/sound';
import { allTiles } from '../live/store';
import { go } from '../router';
import { t } from '../i18n';
import { press, pressOf, say } from './press';

const same = (text: string | null, code: string): boolean => text !== null && text.toLowerCase() === code.toLowerCase();

export async function scanned(code: string): Promise<void> {
  const found = allTiles.peek().find(({ tile }) => same(tile.serial, code)) ?? allTiles.peek().find(({ tile }) => same(tile.slot, code));
  if (found) {
    const { tile } = found;
    beep('tick');
    if (pressOf(tile) === 'acknowledge') {
      say(t.scan.acknowledged(code, tile.slot), false);
      await press(tile);
    } else {
      say(t.scan.at(code, tile.slot), false);
      if (tile.unit !== null && may('qa')) go(`/units/${tile.unit}`);
    }
    return;
  }
  if (!may('qa')) {
    beep('buzz');
    return say(t.find.none(code), true);
  }
  try {
    const query = new URLSearchParams({ serial_from: code, serial_to: code, limit: '1' });
    const unit = (await api.records(query.toString())).rows.find((row) => same(row.serial, code))?.unit;
    beep(unit === undefined ? 'buzz' : 'tick');
    if (unit === undefined) return say(t.find.none(code), true);
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
