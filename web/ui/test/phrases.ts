// SPDX-License-Identifier: Apache-2.0
// What the station says on the page: the closed tables of its sources, read as they stand, and what stands beside them.
import { readFileSync } from 'node:fs';
import { refusals } from './refusals';

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
const release = 'station/engine/image_release.cpp';
const orderDesk = 'station/engine/order_desk.cpp';
const openings = 'station/engine/engine_order_desk.cpp';
const csv = 'serial-pool/batch_csv.cpp';
const pairText = 'serial-pool/pair_text.cpp';
const csvReader = 'serial-pool/csv_reader.cpp';
const batchReport = 'serial-pool/batch_report.cpp';
const doubt = 'serial-pool/pool_status.cpp';
const proofs = 'web/api/proofs.cpp';
const units = 'web/api/units.cpp';
const words = 'web/api/words.cpp';
const recovery = 'station/engine/slot_recovery.cpp';
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
  ['Several disks at this port: leave one', slot],
  ['Put the disk in again', slot],
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
  ['Use another slot', wall],
  ['{}, {} of {} here', 'station/engine/slot_judge.cpp'],
  ['Ports are being mapped by {}', station],
  ['Ports are being mapped', orders],
  ['Unplug it: it was used to map the ports', slot],
  ['Order {} is paused', orders],
  ['Image {} was withdrawn', release],
  ['Image {} waits for a second release', release],
  ['Image {} is not released', release],
  ['Order {}: there is no profile {} any more: {}', orders],
  ['Order {}: profile {} is of model {}, not {}: {}', orders],
  ['Order {}: its recipe is another one now ({}): {}', orders],
  ['put it back in station.toml, or close the order and open another', orders],
  ['name: take letters, digits, \'.\', \'_\' or \'-\', at most 64', orderDesk],
  ['profile: there is no profile \'{}\' in the configuration; take one of its own', orderDesk],
  ['quantity: take a whole number from 1 to 1000000', orderDesk],
  ['pool: there is no pool \'{}\'; load a batch into it first', openings, ['pool: there is no pool \'', '\'; load a batch into it first']],
  ['name: there is an order \'{}\' already; take another name', openings, ['name: there is an order \'', '\' already; take another name']],
  ['{} released image {} already; a second release is by another person, who logs in by another account', orderDesk],
  ['One release by one person is enough here', orderDesk],
  ['Image {} is withdrawn already', orderDesk],
  ['the file holds no serial; nothing would be stored', csv],
  ['the header names two columns "{}"', csv, ['the header names two columns']],
  ['the header names no column "serial"', csv, ['the header names no column']],
  ['the header names no column "token"; only a test-only batch may lack tokens', csv, ['only a test-only batch may lack tokens']],
  ['the line has {} fields, at most {} are expected; a token that holds {} must be quoted', csv],
  ['the token is missing; only a test-only batch may lack tokens', csv],
  ['the pair of line {} again; stored once', csv],
  ['the serial of line {} again, with another token', csv, ['the serial of line', 'with another token']],
  ['the serial of line {} again, in other letters; capital and small letters are the same serial', csv, ['in other letters; capital and small letters are the same serial']],
  ['the token of line {} again, with another serial', csv],
  ['the serial is in the pool already', csv],
  ['the token is in the pool already, with another serial', csv],
  ['the serial is missing', pairText],
  ['the serial has {} characters, at most {} are allowed', pairText],
  ['the serial must begin with a letter or a digit', pairText],
  ['the serial holds a line break; is a closing quote missing?', pairText],
  ['the serial holds a blank', pairText],
  ['the serial holds a character that is not ASCII', pairText],
  ['the serial holds a control character', pairText],
  ['the serial may hold letters, digits, \'.\', \'_\' and \'-\' only, and begins with a letter or a digit', pairText],
  ['the token has {} characters, at most {} are allowed', pairText],
  ['the token holds a line break; is a closing quote missing?', pairText],
  ['the token holds a blank', pairText],
  ['the token holds a character that is not ASCII', pairText],
  ['the token holds a control character', pairText],
  ['column {} is ignored', csv, ['column {}{} is ignored']],
  ['this line is taken as a serial; a header must name the columns serial and token', csv],
  ['the quote that opens here is never closed', csvReader],
  ['the quote that opens here is not closed before the end of the line', csvReader],
  ['a quote stands inside a field that is not quoted', csvReader],
  ['not UTF-8; save the file as UTF-8', csvReader],
  ['{} more are not listed', batchReport],
  ['Name or password is wrong. {} more tries without a pause', 'station/people/people.cpp', ['Name or password is wrong. {} more {} without a pause', '"tries"']],
  ['Name or password is wrong. {} more try without a pause', 'station/people/people.cpp', ['"try"']],
  ['it is in recovery mode', recovery],
  ['An empty module enters recovery mode when it is switched on; hold the recovery button of any other one, or bridge its test pad, while it is switched on', recovery],
  ['Unplug the button cable, then try again', 'provisioning/steps/to_recovery.cpp'],
  ...Object.entries(refusals).flatMap(([file, texts]) => texts.map((text) => [text, file] as const)),
];
