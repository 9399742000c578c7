import type { Tile, Station } from '../src/api/types';
export function tile(slot: string, kind: string, changes?: Partial<Tile>): Tile;
export function stationOf(tiles: Tile[], scene: string): Station;
export function tilesOf(scene: string): Tile[];
export const given: Tile[];
