// SPDX-License-Identifier: Apache-2.0
// What a scan does by itself: it finds a unit, and acknowledges the slot where its verdict waits. All else asks at its own place.
import { sentenceOf } from '../api/client';
import { ScanReader, type ScanKeys } from '../live/scan_reader';
import { may } from '../live/session';
import { beep } from '../live/sound';
import { go } from '../router';
import { t } from '../i18n';
import { tileBy, unitOnRecord } from './find_unit';
import { press, pressOf, say } from './press';

export async function scanned(code: string): Promise<void> {
  const tile = tileBy(code);
  if (tile !== null) {
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
