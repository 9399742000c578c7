// SPDX-License-Identifier: Apache-2.0
// How many columns the wall has. Reckoned from the screen, not from the room left at the moment: a slot never moves
// because a banner came. The jig's own shape where a technician laid it out; else the grid that gives the largest
// tile class with the fewest gaps, nearest to the tile's natural shape. All lengths in design pixels (1 at 1080p).

// What a layout aims at; what a tile then shows is in tile_classes.ts. N is L in the tablet's type.
export type TileSize = 'L' | 'N' | 'M' | 'S' | 'none';

export interface Room {
  width: number;
  height: number;
}

export function sizeOf(width: number, height: number): TileSize {
  if (width >= 420 && height >= 190) return 'L';
  if (width >= 340 && height >= 190) return 'N';
  if (width >= 200 && height >= 170) return 'M';
  if (width >= 175 && height >= 90) return 'S';
  return 'none';
}

const rank: Readonly<Record<TileSize, number>> = { L: 4, N: 3, M: 2, S: 1, none: 0 };

// Head, foot and padding of the wall, in design pixels; the hands strip of small tiles takes the foot's place.
export const headHeight = 120;
export const footHeight = 66;
export const handsHeight = 134;
export const padding = { across: 24, down: 28 };

export function roomOf(width: number, height: number, hands: boolean): Room {
  return {
    width: width - padding.across,
    height: height - padding.down - headHeight - (hands ? handsHeight : footHeight),
  };
}

export function gapOf(count: number): number {
  if (count > 32) return 8;
  return count > 16 ? 10 : 12;
}

export const cellOf = (room: Room, columns: number, rows: number, gap: number): Room => ({
  width: (room.width - gap * (columns - 1)) / columns,
  height: (room.height - gap * (rows - 1)) / rows,
});

// Between tiles where hubs are framed, so that their names fit between.
export const hubGap = 26;

export interface Layout {
  columns: number;
  rows: number;
  size: TileSize;
  jig?: boolean; // as the technician laid it out
}

function bestFor(count: number, room: Room): Layout {
  const gap = gapOf(count);
  let best: (Layout & { score: number }) | null = null;
  for (let columns = 1; columns <= Math.min(count, 16); columns += 1) {
    const rows = Math.ceil(count / columns);
    const { width, height } = cellOf(room, columns, rows, gap);
    const size = sizeOf(width, height);
    const holes = columns * rows - count;
    const shape = Math.abs(Math.log(width / height / 1.9));
    const score = rank[size] * 100 - (holes / count) * 80 - shape * 10;
    if (best === null || score > best.score) best = { columns, rows, size, score };
  }
  return best ?? { columns: 1, rows: 1, size: 'L' };
}

export const hasHands = (size: TileSize): boolean => size === 'M' || size === 'S' || size === 'none';

// The screen in design pixels.
export function layoutFor(count: number, width: number, height: number): Layout {
  const plain = bestFor(count, roomOf(width, height, false));
  return hasHands(plain.size) ? bestFor(count, roomOf(width, height, true)) : plain;
}

// The jig's own lines and columns; nothing where its tiles would be too small to be read on this screen.
export function jigLayout(jig: { lines: number; columns: number; cells: ReadonlyMap<string, unknown>; hubs: readonly unknown[] }, width: number, height: number): Layout | null {
  const gap = jig.hubs.length > 0 ? hubGap : gapOf(jig.cells.size);
  const sizeIn = (hands: boolean): TileSize => {
    const cell = cellOf(roomOf(width, height, hands), jig.columns, jig.lines, gap);
    return sizeOf(cell.width, cell.height);
  };
  const plain = sizeIn(false);
  const size = hasHands(plain) ? sizeIn(true) : plain;
  return size === 'none' ? null : { columns: jig.columns, rows: jig.lines, size, jig: true };
}
