// SPDX-License-Identifier: Apache-2.0
// What a press on a tile does: what the station says it does, and nothing while the screen is not live.
import { signal } from '@preact/signals';
import { api, sentenceOf } from '../api/client';
import type { Tile } from '../api/types';
import { may } from '../live/session';
import { live, showAnswer } from '../live/store';
import { go } from '../router';
import { t } from '../i18n';

export const said = signal<{ text: string; bad: boolean } | null>(null);
let saidTimer: ReturnType<typeof setTimeout> | null = null;

export function say(text: string, bad: boolean): void {
  said.value = { text, bad };
  if (saidTimer !== null) clearTimeout(saidTimer);
  saidTimer = setTimeout(() => { said.value = null; }, 8000);
}

const busy = new Set<string>();

// The slot whose label is read next, and until when.
let labelOf: { slot: string; untilMs: number } | null = null;
const labelWaitMs = 60_000;

export function nextIsLabelOf(slot: string): void {
  labelOf = { slot, untilMs: Date.now() + labelWaitMs };
  say(t.scan.label(slot), false);
}

export function takeLabelSlot(): string | null {
  const slot = labelOf !== null && Date.now() < labelOf.untilMs ? labelOf.slot : null;
  labelOf = null;
  return slot;
}

export function pressOf(tile: Tile): 'acknowledge' | 'retry' | 'label' | 'open' | null {
  if (live.value === 'live' && tile.press !== null && tile.job !== null && may('operator')) return tile.press;
  return tile.unit === null || !may('qa') ? null : 'open';
}

export async function press(tile: Tile): Promise<void> {
  const what = pressOf(tile);
  if (what === null) return;
  if (what === 'open') {
    go(`/units/${tile.unit ?? 0}`);
    return;
  }
  if (what === 'label') return nextIsLabelOf(tile.slot);
  if (tile.job === null || busy.has(tile.slot)) return;
  busy.add(tile.slot);
  try {
    showAnswer(await api[what](tile.slot, tile.job));
  } catch (problem) {
    const { sentence, hint } = sentenceOf(problem);
    say([`${t.wall.slot(tile.slot)}: ${sentence}`, hint].filter((part) => part !== null).join(' '), true);
  } finally {
    busy.delete(tile.slot);
  }
}

export async function acknowledgePassed(): Promise<void> {
  if (busy.has('*')) return;
  busy.add('*');
  try {
    await api.acknowledgePassed();
  } catch (problem) {
    const { sentence, hint } = sentenceOf(problem);
    say([sentence, hint].filter((part) => part !== null).join(' '), true);
  } finally {
    busy.delete('*');
  }
}
