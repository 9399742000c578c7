// SPDX-License-Identifier: Apache-2.0
// One SSE connection to the station, kept alive: reopened with the last journal sequence after any break, and called
// dead when no beat comes for 3 s, whatever the socket says. The sockets' own retry is not used, so that the page can
// say when it tries next. A browser has six connections for a station: a page that nobody sees lets go of its own as soon as another page
// of the station is opened, and after 5 minutes anyway. Seen again it catches up, and has the time of a beat for that.
import { api } from '../api/client';
import { localise, ownWords } from '../i18n/phrases';
import type {
  Beat, ProgressEvent, StationEvent, TileEvent, Wall,
} from '../api/types';
import type { WallEvent } from './reducer';

export const silenceMs = 3000;
const hungMs = 8000;
const hiddenMs = 5 * 60_000;
const pauses = [500, 1000, 1000, 2000, 3000];

export interface StreamHooks {
  event(event: WallEvent): void;
  beat(beat: Beat): void;
  live(live: boolean, lastSeenMs: number | null, nextTryMs: number | null): void;
  lastSeq(): number | null;
}

export class Stream {
  private source: EventSource | null = null;
  private lastBeat: number | null = null; // performance.now()
  private lastSeenMs: number | null = null; // Date.now()
  private readonly startedAt = performance.now();
  private openedAt = 0;
  private failures = 0;
  private retryTimer: ReturnType<typeof setTimeout> | null = null;
  private nextTryMs: number | null = null;
  private hiddenTimer: ReturnType<typeof setTimeout> | null = null;
  private resting = false;
  private isLive = false;
  connects = 0;
  resets = 0;

  constructor(private readonly hooks: StreamHooks) {}

  start(): void {
    this.open();
    setInterval(() => this.watch(), 250);
    document.addEventListener('visibilitychange', () => this.visibility());
    const pages = new BroadcastChannel('lineside.pages');
    pages.addEventListener('message', () => {
      if (document.hidden) this.rest();
    });
    pages.postMessage('opened');
  }

  private open(): void {
    this.retryTimer = null;
    this.nextTryMs = null;
    this.openedAt = performance.now();
    this.connects += 1;
    const source = new EventSource(api.eventsUrl(this.hooks.lastSeq()));
    this.source = source;
    const on = <T>(name: string, use: (data: T) => void): void => {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        if (this.source === source) use(localise(JSON.parse(message.data) as T, ownWords.wall));
      });
    };
    on<Wall>('reset', (data) => {
      this.resets += 1;
      this.hooks.event({ kind: 'reset', data });
    });
    on<TileEvent>('tile', (data) => this.hooks.event({ kind: 'tile', data }));
    on<ProgressEvent>('progress', (data) => this.hooks.event({ kind: 'progress', data }));
    on<StationEvent>('station', (data) => this.hooks.event({ kind: 'station', data }));
    on<Beat>('beat', (beat) => {
      this.failures = 0;
      this.lastBeat = performance.now();
      this.lastSeenMs = Date.now();
      this.hooks.beat(beat);
      this.say(true);
    });
    source.addEventListener('error', () => {
      if (this.source === source) this.later();
    });
  }

  private later(): void {
    this.source?.close();
    this.source = null;
    if (this.retryTimer !== null || this.resting) return;
    const pause = pauses[Math.min(this.failures, pauses.length - 1)] ?? 3000;
    this.failures += 1;
    this.nextTryMs = Date.now() + pause;
    this.retryTimer = setTimeout(() => this.open(), pause);
  }

  private watch(): void {
    if (this.resting) return;
    const now = performance.now();
    const quiet = now - Math.max(this.lastBeat ?? 0, this.isLive ? 0 : this.openedAt);
    if (this.isLive ? quiet > silenceMs : this.lastBeat !== null || now - this.startedAt > silenceMs) {
      this.say(false);
    }
    if (this.source !== null && quiet > hungMs) this.later();
  }

  private say(live: boolean): void {
    this.isLive = live;
    this.hooks.live(live, this.lastSeenMs, this.nextTryMs);
  }

  private rest(): void {
    this.resting = true;
    this.source?.close();
    this.source = null;
    if (this.retryTimer !== null) clearTimeout(this.retryTimer);
    this.retryTimer = null;
  }

  private visibility(): void {
    if (document.hidden) {
      this.hiddenTimer ??= setTimeout(() => this.rest(), hiddenMs);
      return;
    }
    if (this.hiddenTimer !== null) clearTimeout(this.hiddenTimer);
    this.hiddenTimer = null;
    if (this.resting) {
      this.resting = false;
      if (this.isLive) this.lastBeat = performance.now();
      this.open();
    }
  }
}
