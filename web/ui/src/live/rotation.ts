// SPDX-License-Identifier: Apache-2.0
// A wall that shows its tiles and the numbers of the shift in turn. It stays on the tiles while anybody is needed there: a verdict
// waits for its acknowledgement, a unit for hands, the station for help, or the picture is not live.
import { computed, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Station, Tile } from '../api/types';
import { go, place } from '../router';
import { allTiles, live, station } from './store';

const usual = 30;

// Seconds of each turn; null: the wall stays. In the address, so that a screen keeps it.
export const turnSeconds = computed(() => {
  const text = place.value.query.get('rotate');
  const seconds = text === null ? NaN : Number(text);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(600, Math.max(5, seconds)) : null;
});

export const toggleTurns = (): void => go(turnSeconds.value === null ? `/?rotate=${usual}` : '/', 'replace');

const handsWanted: ReadonlySet<Tile['state']> = new Set(['needs_operator', 'interrupted']);

export function mayTurn(now: { live: string; station: Station | null; tiles: readonly Tile[] }): boolean {
  return now.live === 'live' && now.station !== null && now.station.state !== 'blocked' && now.station.alarms.length === 0
    && now.tiles.every((tile) => tile.ack === 'none' && !handsWanted.has(tile.state));
}

const calm = computed(() => mayTurn({ live: live.value, station: station.value, tiles: allTiles.value.map((one) => one.tile) }));
const turn = signal<'tiles' | 'numbers'>('tiles');
export const showsNumbers = computed(() => turn.value === 'numbers' && turnSeconds.value !== null && calm.value);

export function useTurns(): void {
  const seconds = turnSeconds.value;
  const quiet = calm.value;
  useEffect(() => {
    turn.value = 'tiles';
    if (seconds === null || !quiet) return undefined;
    let timer = setInterval(next, seconds * 1000);
    function next(): void {
      turn.value = turn.value === 'tiles' ? 'numbers' : 'tiles';
    }
    // A hand at the screen wants the tiles, and a whole turn of them.
    const back = (): void => {
      turn.value = 'tiles';
      clearInterval(timer);
      timer = setInterval(next, seconds * 1000);
    };
    addEventListener('pointerdown', back);
    addEventListener('keydown', back);
    return () => {
      clearInterval(timer);
      removeEventListener('pointerdown', back);
      removeEventListener('keydown', back);
    };
  }, [seconds, quiet]);
}
