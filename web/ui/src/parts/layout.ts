// SPDX-License-Identifier: Apache-2.0
// How many columns the wall has. The jig's own shape is a later matter; until then the grid that gives the largest
// tile class with the fewest gaps, nearest to the tile's natural shape. All lengths in design pixels (1 at 1080p).

// styles/tile_sizes.css has the same classes as container queries. N is L in the tablet's type.
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

export function gapOf(count: number): number {
  if (count > 32) return 8;
  return count > 16 ? 10 : 12;
}

export interface Layout {
  columns: number;
  rows: number;
  size: TileSize;
}

export function layoutFor(count: number, room: Room): Layout {
  const gap = gapOf(count);
  let best: (Layout & { score: number }) | null = null;
  for (let columns = 1; columns <= Math.min(count, 16); columns += 1) {
    const rows = Math.ceil(count / columns);
    const width = (room.width - gap * (columns - 1)) / columns;
    const height = (room.height - gap * (rows - 1)) / rows;
    const size = sizeOf(width, height);
    const holes = columns * rows - count;
    const shape = Math.abs(Math.log(width / height / 1.9));
    const score = rank[size] * 100 - holes * 2 - shape * 10;
    if (best === null || score > best.score) best = { columns, rows, size, score };
  }
  return best ?? { columns: 1, rows: 1, size: 'L' };
}
