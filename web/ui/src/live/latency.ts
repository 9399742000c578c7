// SPDX-License-Identifier: Apache-2.0
// How long from the commit of a journal row (the station's monotonic clock, carried in the event) to the change in the
// DOM. The offset between that clock and performance.now() comes from the quickest of several /clock round trips.
// Read by browser tests as window.__lineside; costs nothing worth naming when nobody looks.
import type { Beat } from '../api/types';

export interface ClockSample {
  sentAt: number; // performance.now()
  gotAt: number;
  monoNs: number;
}

export interface ClockOffset {
  offsetMs: number; // station's monotonic ms minus performance.now()
  rttMs: number;
}

export function bestOffset(samples: readonly ClockSample[]): ClockOffset | null {
  let best: ClockOffset | null = null;
  for (const sample of samples) {
    const rttMs = sample.gotAt - sample.sentAt;
    if (rttMs < 0 || (best !== null && rttMs >= best.rttMs)) continue;
    best = { offsetMs: sample.monoNs / 1e6 - (sample.sentAt + sample.gotAt) / 2, rttMs };
  }
  return best;
}

export function percentile(values: readonly number[], p: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? null;
}

export class LatencyWatch {
  static readonly kept = 4096;
  readonly latencies: number[] = [];
  offset: ClockOffset | null = null;
  private observing = false;
  private readonly waiting = new Map<string, { rev: string; commitMs: number }>();

  // A tile event was applied: its tile will carry data-rev = rev once the DOM has changed.
  expect(slot: string, rev: number, monoNs: number): void {
    if (this.offset === null || !this.observing) return;
    const before = this.waiting.get(slot);
    // Two changes drawn at once: the older one is what the person waited for.
    const commitMs = Math.min(before?.commitMs ?? Infinity, monoNs / 1e6);
    this.waiting.set(slot, { rev: String(rev), commitMs });
  }

  forget(): void {
    this.waiting.clear();
  }

  // Watches the grid; returns the way to stop.
  observe(root: Element): () => void {
    const observer = new MutationObserver((records) => {
      if (this.waiting.size === 0 || this.offset === null) return;
      const now = performance.now() + this.offset.offsetMs;
      for (const record of records) {
        if (record.type !== 'attributes' || !(record.target instanceof HTMLElement)) continue;
        const { slot, rev } = record.target.dataset;
        const waited = slot === undefined ? undefined : this.waiting.get(slot);
        if (slot === undefined || waited === undefined || Number(rev) < Number(waited.rev)) continue;
        this.waiting.delete(slot);
        this.latencies.push(now - waited.commitMs);
        if (this.latencies.length > LatencyWatch.kept) this.latencies.shift();
      }
    });
    observer.observe(root, { attributes: true, attributeFilter: ['data-rev'], subtree: true });
    this.observing = true;
    return () => {
      this.observing = false;
      observer.disconnect();
      this.forget();
    };
  }

  async measureOffset(clock: () => Promise<Beat>, rounds = 8): Promise<void> {
    const samples: ClockSample[] = [];
    for (let i = 0; i < rounds; i += 1) {
      const sentAt = performance.now();
      const { mono_ns: monoNs } = await clock();
      samples.push({ sentAt, gotAt: performance.now(), monoNs });
    }
    this.offset = bestOffset(samples) ?? this.offset;
  }
}
