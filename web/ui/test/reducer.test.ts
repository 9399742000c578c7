// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { stationOf, tile } from '../mock/states.mjs';
import type { Tile, Wall } from '../src/api/types';
import { applyEvent, emptyWall, type WallEvent, type WallState } from '../src/live/reducer';

const flashing = (changes: Partial<Tile> = {}): Tile => tile('1', 'flashing', { job: 7, stage: 2, percent: 40, ...changes });
const wallOf = (tiles: Tile[], seq = 100): Wall => ({ station: stationOf(tiles, ''), tiles, layout: [], seq, mono_ns: 1, at: 1 });
const reset = (tiles: Tile[], seq = 100): WallEvent => ({ kind: 'reset', data: wallOf(tiles, seq) });
const tileEvent = (shown: Tile, seq: number | null, more: { replay?: boolean; gone?: boolean } = {}): WallEvent => ({
  kind: 'tile', data: { tile: shown, seq, mono_ns: 1, at: 1, replay: false, ...more },
});
const progress = (percent: number | null, changes: Partial<{ job: number; stage: number; slot: string }> = {}): WallEvent => ({
  kind: 'progress', data: { slot: '1', job: 7, stage: 2, percent, time_left_s: 9, mono_ns: 1, ...changes },
});
const run = (events: WallEvent[], from: WallState = emptyWall): WallState => events.reduce(applyEvent, from);
const shown = (state: WallState, slot = '1'): Tile | undefined => state.tiles.get(slot)?.tile;

describe('order by journal sequence', () => {
  it('an older tile never replaces a newer one', () => {
    const state = run([reset([flashing()]), tileEvent(tile('1', 'pass'), 105), tileEvent(flashing(), 103)]);
    expect(shown(state)?.state).toBe('pass');
    expect(state.lastSeq).toBe(105);
  });

  it('a tile already in the snapshot is no news', () => {
    const before = run([reset([tile('1', 'pass')], 100)]);
    expect(applyEvent(before, tileEvent(flashing(), 100))).toBe(before);
  });

  it('the same replayed event twice changes nothing the second time', () => {
    const event = tileEvent(tile('1', 'fail'), 110, { replay: true });
    const once = run([reset([flashing()]), event]);
    expect(applyEvent(once, event)).toBe(once);
  });

  it('order is per slot: two slots may carry the same row', () => {
    const state = run([reset([flashing(), tile('2', 'flashing')]), tileEvent(tile('1', 'error'), 120), tileEvent(tile('2', 'error'), 120)]);
    expect([shown(state, '1')?.state, shown(state, '2')?.state]).toEqual(['error', 'error']);
  });

  it('a tile without a row (a place in line) applies and keeps the slot\'s sequence', () => {
    const state = run([reset([tile('1', 'waiting')]), tileEvent(tile('1', 'waiting', { position_in_line: 1 }), null)]);
    expect(shown(state)?.position_in_line).toBe(1);
    expect(state.tiles.get('1')?.seq).toBe(100);
    expect(state.lastSeq).toBe(100);
  });

  it('the answer to a press shows at once, and does not hide rows of others from a replay', () => {
    const state = run([reset([tile('1', 'passOut')]), { kind: 'answer', data: { tile: tile('1', 'empty'), seq: 130 } }]);
    expect(shown(state)?.state).toBe('empty');
    expect(state.lastSeq).toBe(100);
    const later = applyEvent(state, tileEvent(tile('1', 'empty'), 130));
    expect(later.lastSeq).toBe(130);
    expect(later.tiles.get('1')).toBe(state.tiles.get('1'));
  });
});

describe('progress', () => {
  it('never goes back within a stage', () => {
    const state = run([reset([flashing()]), progress(47), progress(45)]);
    expect(shown(state)?.percent).toBe(47);
  });

  it('does not go back by a tile event of the same stage either', () => {
    const state = run([reset([flashing()]), progress(60), tileEvent(flashing({ percent: 10 }), 101)]);
    expect(shown(state)?.percent).toBe(60);
  });

  it('a new stage starts its own bar', () => {
    const state = run([reset([flashing({ percent: 99 })]), tileEvent(flashing({ stage: 3, percent: 0 }), 101)]);
    expect(shown(state)?.percent).toBe(0);
  });

  it('a new job starts its own bar', () => {
    const state = run([reset([flashing({ percent: 99 })]), tileEvent(flashing({ job: 8, percent: 1 }), 101)]);
    expect(shown(state)?.percent).toBe(1);
  });

  it('late progress of a stage that is over, of another job or of an unknown slot is dropped', () => {
    const before = run([reset([flashing({ stage: 3, percent: 5 })])]);
    for (const late of [progress(90), progress(90, { stage: 3, job: 6 }), progress(90, { slot: 'X9' })]) {
      expect(applyEvent(before, late)).toBe(before);
    }
  });

  it('brings no sequence', () => {
    expect(run([reset([flashing()]), progress(50)]).lastSeq).toBe(100);
  });
});

describe('reset, station, alarms', () => {
  it('a reset replaces everything, also with a lower sequence (another database)', () => {
    const state = run([reset([flashing(), tile('2', 'pass')], 900), reset([tile('1', 'empty')], 3)]);
    expect([...state.tiles.keys()]).toEqual(['1']);
    expect(state.lastSeq).toBe(3);
    expect(shown(applyEvent(state, tileEvent(tile('1', 'found'), 4)))?.state).toBe('found');
  });

  it('an unmapped port comes at the end and goes again', () => {
    const port = tile('pci-0:4.2', 'unmapped');
    const came = run([reset([flashing()]), tileEvent(port, 101)]);
    expect(came.order).toEqual(['1', 'pci-0:4.2']);
    const went = applyEvent(came, tileEvent(port, 102, { gone: true }));
    expect(went.order).toEqual(['1']);
    expect(went.tiles.has('pci-0:4.2')).toBe(false);
  });

  it('only the changed tile is a new object', () => {
    const before = run([reset([flashing(), tile('2', 'pass')])]);
    const after = applyEvent(before, progress(50));
    expect(after.tiles.get('2')).toBe(before.tiles.get('2'));
    expect(after.tiles.get('1')).not.toBe(before.tiles.get('1'));
  });
});
