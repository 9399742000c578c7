// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest';
import type { Station, Tile } from '../src/api/types';

vi.stubGlobal('location', { pathname: '/', search: '' });
vi.stubGlobal('addEventListener', () => undefined);
const { mayTurn } = await import('../src/live/rotation');

const station = (changes: Partial<Station> = {}): Station => ({ state: 'running', alarms: [], ...changes } as unknown as Station);
const tile = (changes: Partial<Tile> = {}): Tile => ({ state: 'flashing', ack: 'none', ...changes } as unknown as Tile);

describe('the wall gives way to the numbers', () => {
  it('only while nobody is needed at the tiles', () => {
    expect(mayTurn({ live: 'live', station: station(), tiles: [tile(), tile({ state: 'empty' })] })).toBe(true);
    expect(mayTurn({ live: 'live', station: station(), tiles: [tile(), tile({ state: 'pass', ack: 'when_unplugged' })] })).toBe(false);
    expect(mayTurn({ live: 'live', station: station(), tiles: [tile({ state: 'fail', ack: 'ready' })] })).toBe(false);
    expect(mayTurn({ live: 'live', station: station(), tiles: [tile({ state: 'interrupted' })] })).toBe(false);
    expect(mayTurn({ live: 'live', station: station({ state: 'blocked' }), tiles: [] })).toBe(false);
    expect(mayTurn({ live: 'live', station: station({ alarms: [{ id: 'hub' }] as unknown as Station['alarms'] }), tiles: [] })).toBe(false);
    expect(mayTurn({ live: 'lost', station: station(), tiles: [] })).toBe(false);
    expect(mayTurn({ live: 'live', station: null, tiles: [] })).toBe(false);
  });
});
