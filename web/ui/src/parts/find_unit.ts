// SPDX-License-Identifier: Apache-2.0
// The one way to find a unit by what a person typed or scanned: a serial or a slot on the wall, else a serial of the records.
import { api } from '../api/client';
import type { Tile } from '../api/types';
import { allTiles } from '../live/store';

const same = (text: string | null, what: string): boolean => text !== null && text.toLowerCase() === what.toLowerCase();

export function tileBy(what: string): Tile | null {
  const tiles = allTiles.peek().map((shown) => shown.tile);
  return tiles.find((tile) => same(tile.serial, what)) ?? tiles.find((tile) => same(tile.slot, what)) ?? null;
}

export async function unitOnRecord(serial: string): Promise<number | null> {
  const query = new URLSearchParams({ serial_from: serial, serial_to: serial, limit: '1' });
  return (await api.records(query.toString())).rows.find((row) => same(row.serial, serial))?.unit ?? null;
}
