// SPDX-License-Identifier: Apache-2.0
// The jig as it stands: which cell a slot has, which cells a hub's slots fill. Pure; test/jig.test.ts.
import type { SlotPlace } from '../api/types_slots';

export const mostLines = 64; // lines and places, as the station takes them

export interface Cell { line: number; place: number }
export interface HubFrame { hub: string; line: number; place: number; lines: number; places: number }
export interface Jig {
  lines: number;
  columns: number;
  cells: ReadonlyMap<string, Cell>;
  hubs: readonly HubFrame[];
}

// Slots without a place (new ones, ports without a slot) stand below the jig, in their order. Lines and places that are empty
// at the edges are not drawn; gaps between are.
export function jigOf(slots: readonly string[], places: readonly SlotPlace[]): Jig | null {
  const known = places.filter((one) => slots.includes(one.slot));
  if (known.length === 0) return null;
  const top = Math.min(...known.map((one) => one.line));
  const left = Math.min(...known.map((one) => one.place));
  const cells = new Map<string, Cell>(known.map((one) => [one.slot, { line: one.line - top, place: one.place - left }]));
  const columns = Math.max(...known.map((one) => one.place)) - left + 1;
  let lines = Math.max(...known.map((one) => one.line)) - top + 1;
  const rest = slots.filter((slot) => !cells.has(slot));
  rest.forEach((slot, i) => cells.set(slot, { line: lines + Math.floor(i / columns), place: i % columns }));
  lines += Math.ceil(rest.length / columns);
  const hubs = [...new Set(known.map((one) => one.hub))].filter((hub) => hub !== '').map((hub) => {
    const at = known.filter((one) => one.hub === hub).map((one) => cells.get(one.slot) ?? { line: 0, place: 0 });
    const line = Math.min(...at.map((one) => one.line));
    const place = Math.min(...at.map((one) => one.place));
    return {
      hub, line, place,
      lines: Math.max(...at.map((one) => one.line)) - line + 1, places: Math.max(...at.map((one) => one.place)) - place + 1,
    };
  });
  return { lines, columns, cells, hubs };
}

// The next slot from `slot` in a direction, over gaps; the nearest line or place where none is straight ahead.
export function neighbour(jig: Jig, slot: string, down: number, right: number): string | null {
  const from = jig.cells.get(slot);
  if (!from) return null;
  let best: { slot: string; far: number } | null = null;
  for (const [name, cell] of jig.cells) {
    const ahead = (cell.line - from.line) * down + (cell.place - from.place) * right;
    const aside = Math.abs(down === 0 ? cell.line - from.line : cell.place - from.place);
    const far = ahead + aside * 8;
    if (name !== slot && ahead > 0 && (best === null || far < best.far)) best = { slot: name, far };
  }
  return best?.slot ?? null;
}

// What the page shows while it is changed: all slots in a plain grid where there is no jig yet.
export function startingPlaces(slots: readonly string[], places: readonly SlotPlace[], columns: number): SlotPlace[] {
  const jig = jigOf(slots, places);
  const hubOf = new Map(places.map((one) => [one.slot, one.hub]));
  return slots.map((slot, i) => ({
    slot, hub: hubOf.get(slot) ?? '',
    ...(jig?.cells.get(slot) ?? { line: Math.floor(i / columns), place: i % columns }),
  }));
}

// Puts a slot into a cell; who stands there takes the cell it came from.
export function movedTo(places: readonly SlotPlace[], slot: string, to: Cell): SlotPlace[] {
  const from = places.find((one) => one.slot === slot);
  if (!from || to.line < 0 || to.place < 0 || to.line >= mostLines || to.place >= mostLines) return [...places];
  return places.map((one) => {
    if (one.slot === slot) return { ...one, line: to.line, place: to.place };
    if (one.line === to.line && one.place === to.place) return { ...one, line: from.line, place: from.place };
    return one;
  });
}

export const withHub = (places: readonly SlotPlace[], slots: ReadonlySet<string>, hub: string): SlotPlace[] =>
  places.map((one) => (slots.has(one.slot) ? { ...one, hub } : one));
