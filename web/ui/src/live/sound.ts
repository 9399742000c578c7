// SPDX-License-Identifier: Apache-2.0
// What the wall sounds like: a verdict, or a turn of a person's. Sound never tells what the screen does not. Muting is per screen
// and ends by itself after a shift. A browser lets nothing sound before somebody touched the page; until then it is `asleep`.
import { signal } from '@preact/signals';
import type { Tile } from '../api/types';

export type Sound = 'fail' | 'problem' | 'turn' | 'pass';
type Beep = 'tick' | 'buzz'; // a scan that was taken, or not
export const worstFirst: readonly Sound[] = ['fail', 'problem', 'turn', 'pass'];

interface Note { hz: number; ms: number }
const notes: Readonly<Record<Sound | Beep, readonly Note[]>> = {
  tick: [{ hz: 1200, ms: 40 }],
  buzz: [{ hz: 110, ms: 200 }],
  fail: [{ hz: 440, ms: 250 }, { hz: 220, ms: 250 }],
  problem: [{ hz: 330, ms: 120 }, { hz: 330, ms: 120 }, { hz: 330, ms: 120 }],
  turn: [{ hz: 660, ms: 150 }],
  pass: [{ hz: 660, ms: 90 }, { hz: 880, ms: 90 }],
};

// What a change of a tile sounds like. A state that a person had seen already makes no sound.
export function soundOf(before: Tile['state'] | undefined, after: Tile['state']): Sound | null {
  if (before === undefined || before === after) return null;
  if (after === 'pass' || after === 'fail') return after;
  if (after === 'error' || after === 'timeout') return 'problem';
  return after === 'needs_operator' ? 'turn' : null;
}

export const gatherMs = 1000; // verdicts of one second sound once each, the worst first
export const remindMs = 30_000; // a turn of a person's sounds again until it was taken
const shiftMs = 8 * 3_600_000;
const key = 'lineside.muted_until';

function mutedUntil(): number {
  try {
    return Number(localStorage.getItem(key) ?? 0);
  } catch {
    return 0;
  }
}

export const sound = signal<'on' | 'muted' | 'asleep'>('asleep');

let context: AudioContext | null = null;
const isMuted = (): boolean => mutedUntil() > Date.now();

function look(): void {
  sound.value = isMuted() ? 'muted' : context?.state === 'running' ? 'on' : 'asleep';
}

async function wake(): Promise<void> {
  try {
    context ??= new AudioContext();
    await context.resume();
  } catch {
    context = null; // no loudspeaker
  }
  look();
}

export function toggleSound(): void {
  const mute = sound.value === 'on';
  try {
    localStorage.setItem(key, String(mute ? Date.now() + shiftMs : 0));
  } catch {
    // Then it cannot be muted for longer than this page.
  }
  if (mute) look();
  else void wake();
}

// Seconds that it takes.
function play(what: Sound | Beep, from: number): number {
  if (!context) return 0;
  let at = from;
  for (const { hz, ms } of notes[what]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hz;
    // Without a slope each note would begin and end with a click.
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.4, at + 0.01);
    volume.gain.setValueAtTime(0.4, at + ms / 1000 - 0.02);
    volume.gain.linearRampToValueAtTime(0, at + ms / 1000);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + ms / 1000);
    at += ms / 1000 + 0.03;
  }
  return at - from + 0.1;
}

const waiting = new Set<Sound>();
let timer: ReturnType<typeof setTimeout> | null = null;
export const played: Sound[] = []; // newest last; for tests

function flush(): void {
  timer = null;
  look();
  const now = worstFirst.filter((one) => waiting.has(one));
  waiting.clear();
  if (sound.value !== 'on' || !context) return;
  let at = context.currentTime + 0.02;
  for (const one of now) {
    at += play(one, at);
    played.push(one);
  }
  played.splice(0, Math.max(0, played.length - 100));
}

export function heard(what: Sound | null): void {
  if (what === null) return;
  waiting.add(what);
  timer ??= setTimeout(flush, gatherMs);
}

// At once: it answers a hand.
export function beep(what: Beep): void {
  look();
  if (sound.value === 'on' && context) play(what, context.currentTime + 0.01);
}

// `turns`: does a person's turn wait?
export function startSound(turns: () => boolean): void {
  for (const gesture of ['pointerdown', 'keydown']) {
    document.addEventListener(gesture, () => { if (sound.value === 'asleep') void wake(); }, { passive: true });
  }
  void wake(); // a kiosk may be allowed to at once
  setInterval(() => { if (turns()) heard('turn'); }, remindMs);
  setInterval(look, 60_000);
}
