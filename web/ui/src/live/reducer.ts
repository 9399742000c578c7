// SPDX-License-Identifier: Apache-2.0
// What the page knows of the wall, as a pure function of what the station sent. No clock, no DOM, no network.
// Order comes from the journal's sequence alone: a tile older than the one shown is dropped, whenever it arrives.
// Percent never goes back within one stage of one job; a new stage starts its own bar.
import type {
  ProgressEvent, Station, StationEvent, Tile, TileEvent, Wall,
} from '../api/types';
import type { SlotPlace } from '../api/types_slots';

export interface ShownTile {
  tile: Tile;
  seq: number; // of the newest journal row this tile carries
  rev: number; // counts the changes applied; a stable attribute for tests and the latency watch
}

export interface WallState {
  station: Station | null;
  order: readonly string[]; // slots as the station listed them, unmapped ports last
  tiles: ReadonlyMap<string, ShownTile>;
  lastSeq: number | null;
  places: readonly SlotPlace[];
  rev: number;
}

export type WallEvent =
  | { kind: 'reset'; data: Wall }
  | { kind: 'tile'; data: TileEvent }
  | { kind: 'answer'; data: { tile: Tile; seq: number } }
  | { kind: 'progress'; data: ProgressEvent }
  | { kind: 'station'; data: StationEvent };

export const emptyWall: WallState = {
  station: null, order: [], tiles: new Map(), lastSeq: null, places: [], rev: 0,
};

function newest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  if (b === null) return a;
  return Math.max(a, b);
}

function sameStage(a: Tile, b: { job: number | null; stage: number }): boolean {
  return a.job !== null && a.job === b.job && a.stage === b.stage;
}

function neverBack(before: number | null, now: number | null): number | null {
  if (now === null) return null;
  return before === null ? now : Math.max(before, now);
}

function withTile(state: WallState, shown: ShownTile): Map<string, ShownTile> {
  const tiles = new Map(state.tiles);
  tiles.set(shown.tile.slot, shown);
  return tiles;
}

function reset(state: WallState, wall: Wall): WallState {
  const rev = state.rev + 1;
  const tiles = new Map<string, ShownTile>();
  for (const tile of wall.tiles) tiles.set(tile.slot, { tile, seq: wall.seq, rev });
  return { station: wall.station, order: [...tiles.keys()], tiles, lastSeq: wall.seq, places: wall.layout, rev };
}

function placed(order: readonly string[], tile: Tile): readonly string[] {
  return order.includes(tile.slot) ? order : [...order, tile.slot];
}

function applyTile(state: WallState, event: TileEvent): WallState {
  const { tile, seq } = event;
  const lastSeq = newest(state.lastSeq, seq);
  const shown = state.tiles.get(tile.slot);
  if (shown && seq !== null && seq <= shown.seq) {
    return lastSeq === state.lastSeq ? state : { ...state, lastSeq };
  }
  const rev = state.rev + 1;
  if (event.gone === true) {
    const tiles = new Map(state.tiles);
    tiles.delete(tile.slot);
    return { ...state, tiles, order: state.order.filter((slot) => slot !== tile.slot), lastSeq, rev };
  }
  const percent =
    shown && sameStage(shown.tile, tile) ? neverBack(shown.tile.percent, tile.percent) : tile.percent;
  const next = { tile: { ...tile, percent }, seq: seq ?? shown?.seq ?? 0, rev };
  return { ...state, tiles: withTile(state, next), order: placed(state.order, tile), lastSeq, rev };
}

function applyProgress(state: WallState, event: ProgressEvent): WallState {
  const shown = state.tiles.get(event.slot);
  // Progress of a stage that is over, or of one whose tile has not come yet, says nothing about this tile.
  if (!shown || !sameStage(shown.tile, event)) return state;
  const rev = state.rev + 1;
  const tile: Tile = {
    ...shown.tile,
    percent: neverBack(shown.tile.percent, event.percent ?? shown.tile.percent),
    time_left_s: event.time_left_s,
    fact: event.fact === undefined ? shown.tile.fact : event.fact,
  };
  return { ...state, tiles: withTile(state, { tile, seq: shown.seq, rev }), rev };
}

export function applyEvent(state: WallState, event: WallEvent): WallState {
  switch (event.kind) {
    case 'reset':
      return reset(state, event.data);
    case 'tile':
      return applyTile(state, event.data);
    case 'answer': {
      // To this page's own press. It must not move lastSeq: rows of other slots before it may still be on their way.
      const next = applyTile(state, { ...event.data, mono_ns: 0, at: 0, replay: true });
      return next === state ? state : { ...next, lastSeq: state.lastSeq };
    }
    case 'progress':
      return applyProgress(state, event.data);
    case 'station':
      return { ...state, station: event.data.station, lastSeq: newest(state.lastSeq, event.data.seq) };
  }
}
