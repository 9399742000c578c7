// SPDX-License-Identifier: Apache-2.0
// The wall as signals: one per tile, so that a change draws one tile and nothing else. The reducer decides, this file
// only hands its result to the page.
import { batch, computed, signal, type Signal } from '@preact/signals';
import { api } from '../api/client';
import type { Station, Tile } from '../api/types';
import type { SlotPlace } from '../api/types_slots';
import { LatencyWatch, percentile } from './latency';
import { applyEvent, emptyWall, type ShownTile, type WallEvent, type WallState } from './reducer';
import { heard, soundOf, startSound } from './sound';
import { Stream } from './stream';

let state: WallState = emptyWall;
const tileSignals = new Map<string, Signal<ShownTile | null>>();

export const station = signal<Station | null>(null);
export const slots = signal<readonly string[]>([]);
export const places = signal<readonly SlotPlace[]>([]);
export const live = signal<'starting' | 'live' | 'lost'>('starting');
export const lastSeenMs = signal<number | null>(null);
export const nextTryMs = signal<number | null>(null);
export const now = signal(Date.now()); // ticks four times a second, for countdowns
export const clockText = signal(Date.now()); // the station's time of the last beat
export const alarms = computed(() => station.value?.alarms ?? []);

// One sentence at a time for screen readers; verdicts only.
export const spoken = signal('');

const latency = new LatencyWatch();
export const watchLatency = (root: Element): (() => void) => latency.observe(root);

// When this page got a tile's time left (Date.now()); countdowns run from there.
const stamps = new WeakMap<Tile, number>();
export const stampOf = (tile: Tile): number => stamps.get(tile) ?? Date.now();

export function tileOf(slot: string): Signal<ShownTile | null> {
  let found = tileSignals.get(slot);
  if (!found) {
    found = signal(state.tiles.get(slot) ?? null);
    tileSignals.set(slot, found);
  }
  return found;
}

// All tiles, for what needs them together (hands strip, find). Changes with any tile: do not read it in a tile.
export const allTiles = computed(() =>
  slots.value.map((slot) => tileOf(slot).value).filter((shown): shown is ShownTile => shown !== null),
);

const verdicts = new Set(['pass', 'fail', 'error', 'timeout', 'stopped', 'interrupted', 'needs_operator']);
const toSay: string[] = [];
export type Speaker = (shown: ShownTile) => string;
let speaker: Speaker | null = null;
export function setSpeaker(make: Speaker): void {
  speaker = make;
}

function sayVerdict(before: ShownTile | undefined, after: ShownTile): void {
  if (!verdicts.has(after.tile.state) || before?.tile.state === after.tile.state) return;
  if (speaker && toSay.length < 20) toSay.push(speaker(after));
}

// What one event changes, and what is said and heard of it.
function take(event: WallEvent): void {
  const before = state;
  state = applyEvent(state, event);
  if (state === before || event.kind !== 'tile') return;
  const { slot } = event.data.tile;
  const old = before.tiles.get(slot);
  const shown = state.tiles.get(slot);
  if (shown !== undefined && shown !== old) {
    sayVerdict(old, shown);
    if (!event.data.replay) heard(soundOf(old?.tile.state, shown.tile.state));
  }
  if (!event.data.replay && state.rev !== before.rev) latency.expect(slot, state.rev, event.data.mono_ns);
}

function hand(before: WallState): void {
  if (state === before) return;
  for (const [slot, shown] of state.tiles) {
    if (before.tiles.get(slot) === shown) continue;
    stamps.set(shown.tile, Date.now());
    tileOf(slot).value = shown;
  }
  for (const slot of before.tiles.keys()) {
    if (!state.tiles.has(slot)) tileOf(slot).value = null;
  }
  if (state.order !== before.order) slots.value = state.order;
  if (state.places !== before.places) places.value = state.places;
  if (state.station !== before.station) station.value = state.station;
}

// A station with many slots sends dozens of events at once. They are drawn together, with the next frame of the screen; a page that is not
// drawn has no frames, so a timer does it there.
const waiting: WallEvent[] = [];
let frame = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
function draw(): void {
  cancelAnimationFrame(frame);
  clearTimeout(timer);
  timer = undefined;
  const before = state;
  waiting.splice(0).forEach(take);
  batch(() => hand(before));
}

function show(event: WallEvent): void {
  waiting.push(event);
  if (timer !== undefined) return;
  frame = requestAnimationFrame(draw);
  timer = setTimeout(draw, 100);
}

// An answer to a press carries the new tile: show it at once, the event that follows is then no news.
export function showAnswer(answer: { tile: ShownTile['tile']; seq: number }): void {
  waiting.push({ kind: 'answer', data: answer });
  draw();
}

const stream = new Stream({
  event: show,
  beat: (beat) => {
    clockText.value = beat.at;
  },
  live: (isLive, seen, next) => {
    const before = live.value;
    if (before !== 'live' && waiting.length > 0) draw();    // a page that says it is live shows what it got
    live.value = isLive ? 'live' : 'lost';
    lastSeenMs.value = seen;
    nextTryMs.value = next;
    if (isLive && before !== 'live') void refreshOffset();
    if (!isLive) latency.forget();
  },
  lastSeq: () => state.lastSeq,
});

async function refreshOffset(): Promise<void> {
  try {
    await latency.measureOffset(api.clock);
  } catch {
    // The stream notices a dead station by itself.
  }
}

declare global {
  interface Window {
    __lineside: {
      readonly latencies: readonly number[];
      readonly p50: number | null;
      readonly p99: number | null;
      readonly offset: number | null;
      readonly rtt: number | null;
      readonly live: boolean;
      readonly lastSeq: number | null;
      readonly connects: number;
      readonly resets: number;
      clear(): void;
    };
  }
}

let started = false;
export function startLive(): void {
  if (started) return;
  started = true;
  window.__lineside = {
    get latencies() { return latency.latencies; },
    get p50() { return percentile(latency.latencies, 50); },
    get p99() { return percentile(latency.latencies, 99); },
    get offset() { return latency.offset?.offsetMs ?? null; },
    get rtt() { return latency.offset?.rttMs ?? null; },
    get live() { return live.value === 'live'; },
    get lastSeq() { return state.lastSeq; },
    get connects() { return stream.connects; },
    get resets() { return stream.resets; },
    clear() { latency.latencies.length = 0; },
  };
  stream.start();
  startSound(() => allTiles.peek().some(({ tile }) => tile.state === 'needs_operator'));
  setInterval(() => { now.value = Date.now(); }, 250);
  setInterval(() => {
    const sentence = toSay.shift();
    if (sentence !== undefined) spoken.value = sentence;
  }, 1000);
  setInterval(() => {
    if (live.value === 'live') void refreshOffset();
  }, 60_000);
}
