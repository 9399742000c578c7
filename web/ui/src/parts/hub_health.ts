// SPDX-License-Identifier: Apache-2.0
// Slots put together by the hub they hang on: a hub that is ill makes trouble in all of them, and in none enough to stand out.
import type { SlotHealthRow, SlotPlace } from '../api/types_slots';
import { placeOf } from './mapping';
import { wilson } from './numbers_model';

export interface HubHealth {
  hub: string;
  slots: string[];
  attempts: number;
  failed: number;
  problems: number;
  beyond: boolean; // more of both than at the other hubs, by more than chance
}

// The name a technician gave the hub where the wall was laid out; else its letter by the port. Slots at ports of the host are of no hub.
export function hubOf(slot: string, port: string | undefined, ports: readonly string[], places: readonly SlotPlace[], letter: (hub: string) => string): string {
  const named = places.find((one) => one.slot === slot)?.hub ?? '';
  if (named !== '' || port === undefined) return named;
  const { hub } = placeOf(port, ports);
  return hub === null ? '' : letter(hub);
}

const least = 3; // cases, before anything is called more than chance

export function hubHealth(rows: readonly SlotHealthRow[], hubName: (slot: string) => string): HubHealth[] {
  const hubs = new Map<string, HubHealth>();
  for (const row of rows) {
    const hub = hubName(row.slot);
    if (hub === '') continue;
    const one = hubs.get(hub) ?? { hub, slots: [], attempts: 0, failed: 0, problems: 0, beyond: false };
    hubs.set(hub, { ...one, slots: [...one.slots, row.slot], attempts: one.attempts + row.attempts, failed: one.failed + row.failed, problems: one.problems + row.problems });
  }
  const all = [...hubs.values()];
  const hits = (one: HubHealth): number => one.failed + one.problems;
  const sum = (of: (one: HubHealth) => number): number => all.reduce((total, one) => total + of(one), 0);
  const [allHits, allTries] = [sum(hits), sum((one) => one.attempts)];
  return all.map((one) => ({
    ...one,
    beyond: hits(one) >= least && wilson(hits(one), one.attempts).low > wilson(allHits - hits(one), allTries - one.attempts).high,
  }));
}
