// SPDX-License-Identifier: Apache-2.0
// What the station says on the page: the closed tables of its sources, read as they stand, and what stands beside them.
import { readFileSync } from 'node:fs';

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

export function tables(): string[] {
  const all = [
    ...[...read('station/base/codes.cpp').matchAll(/CodeEntry\{"[a-z_.*]+",\s*\w+,\s*"[A-Z]\d+",\s*"([^"]*)",\s*"([^"]*)"/g)].flatMap((m) => [m[1], m[2]]),
    ...[...read('station/core/wall.cpp').matchAll(/Look\{"[^"]*",\s*"([^"]*)",\s*"([^"]*)",\s*"[^"]*",\s*"[^"]*",\s*\d,\s*"([^"]*)"/g)].flatMap((m) => [m[1], m[2], m[3]]),
    ...[...read('web/api/words.cpp').matchAll(/(?:StepRow|HistoryRow)\{"[^"]*",\s*"([^"]*)"/g)].map((m) => m[1]),
  ];
  return [...new Set(all.filter((text): text is string => text !== undefined && text !== ''))];
}

// Phrase and where it is said; `{}` stands for what is put in; pieces where the source puts it together.
const wall = 'station/core/wall.cpp';
const slot = 'station/engine/slot_actor.cpp';
const orders = 'station/engine/engine_orders.cpp';
const station = 'station/engine/engine_wall.cpp';
const doubt = 'serial-pool/pool_status.cpp';
const proofs = 'web/api/proofs.cpp';
const units = 'web/api/units.cpp';
const words = 'web/api/words.cpp';
const dry = `${orders} ${station}`;
export const beside: readonly (readonly [text: string, files: string, pieces?: readonly string[]])[] = [
  ['{} of {}', wall],
  ['Plug in a unit', wall],
  ['A unit is at a port without a slot', wall],
  ['Port without a slot', wall],
  ['Checking', wall],
  ['{}, checking', wall],
  ['by {}', wall],
  ['Station restarted', wall],
  ['Press OK', wall],
  ['OK, taken out', wall],
  ['Done', wall],
  ['Try again', wall],
  ['Press Done', wall],
  ['Label is being printed', wall],
  ['Label is not printed', wall],
  ['Label is printed', wall],
  ['Stick on and scan', wall],
  ['Scan label', wall],
  ['Slot {}: scan the label first', slot],
  ['Port not enabled', slot],
  ['This unit was judged here', slot],
  ['Slot {}: acknowledge the failed unit first', slot],
  ['No order is open for {}', orders],
  ['Station is stopping', orders],
  ['Order {} is complete', orders],
  ['Image is being prepared', orders],
  ['Hub left with {} units', 'station/engine/engine.cpp'],
  ['{} serials left', station],
  ['No order is open.', station],
  ['Running', station],
  ['Pool low', station],
  ['Blocked', station],
  ['Ready', station],
  ['Pool is empty: nothing can start. Load a batch.', dry, ['Pool is empty', ': nothing can start. Load a batch.']],
  ['No serial is left for order {}: nothing can start. Load a batch.', dry, ['No serial is left for order', ': nothing can start. Load a batch.']],
  ['Pool is empty: load a batch', orders, ['"Pool is empty"', '": load a batch']],
  ['No serial is left for order {}: load a batch', orders, ['No serial is left for order', '": load a batch']],
  ['Building image', 'station/engine/image_keeper.cpp'],
  ['The unit says another serial: {}', doubt],
  ['Written to the unit without complaint, not read back', doubt],
  ['Sent to the unit, which complained; not read back', doubt],
  ['Sent to the unit, the write was cut off', doubt],
  ['Serial sent, not read back', doubt],
  ['Plug the unit into any free slot', doubt],
  ['The same unit is made again with this serial and reads it back', doubt],
  ['Image read back', proofs],
  ['Serial read back', proofs],
  ['Record committed', proofs],
  ['Unit reports {}, as leased', proofs],
  ['Unit reports {}, leased is {}', proofs],
  ["{} partitions and {} files equal the image's", proofs],
  ['Equal to the image', proofs],
  ["Verdict and proofs are in the station's records", proofs],
  ['Chip id (ECID)', units],
  ['Module serial', units],
  ['Model', units],
  ['Board', units],
  ['Order', units],
  ['Image', units],
  ['Flash tool', units],
  ['Port', units],
  ['unit found in slot {}', words],
  ['attempt {} began in slot {}', words],
  ['image read back and equal', words],
  ['image read back and not equal', words],
  ['serial read back and equal', words],
  ['serial read back and not equal', words],
  ['step failed: {}', words],
  ['station restarted, work interrupted', words],
  ['screen', words],
];
