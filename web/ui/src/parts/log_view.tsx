// SPDX-License-Identifier: Apache-2.0
// The log of one job: tail with follow, search over what is loaded, earlier pieces on demand, whole file to download.
// Only the lines in sight are in the DOM, so a log of any length scrolls alike.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Job, LogSegment } from '../api/types';
import { now } from '../live/store';
import { t } from '../i18n';
import { count, duration, size } from '../i18n/format';
import { Icon } from './icon';
import { findHits, LogWindow, type LogLine } from './log_model';

const rowHeight = 19;
const pieceBytes = 256 * 1024;
const pollMs = 1000;

type Row = { kind: 'line'; line: LogLine; index: number } | { kind: 'segment'; segment: LogSegment };

interface Tail {
  window: LogWindow;
  size: number;
  ended: boolean;
  version: number;
}

// Reads the end of the log, then what comes, once a second while the job runs.
function useTail(job: number): { tail: Tail | null; failed: boolean; earlier: () => Promise<void> } {
  const [tail, setTail] = useState<Tail | null>(null);
  const [failed, setFailed] = useState(false);
  const held = useRef<Tail | null>(null);
  const keep = (next: Tail): void => {
    held.current = next;
    setTail(next);
  };
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async (): Promise<void> => {
      try {
        const old = held.current;
        const piece = await api.log(job, old ? old.window.end : -pieceBytes, pieceBytes, abort.signal);
        const window = old ? old.window.append(piece.bytes) : LogWindow.from(piece.bytes, piece.from);
        if (!old || piece.bytes.length > 0 || piece.ended !== old.ended) {
          keep({ window, size: piece.size, ended: piece.ended, version: (old?.version ?? 0) + 1 });
        }
        setFailed(false);
        if (piece.ended && window.end >= piece.size) return;
        timer = setTimeout(() => void turn(), window.end < piece.size ? 0 : pollMs);
      } catch {
        if (abort.signal.aborted) return;
        setFailed(true);
        timer = setTimeout(() => void turn(), 2 * pollMs);
      }
    };
    void turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [job]);
  const earlier = async (): Promise<void> => {
    const old = held.current;
    if (!old || !old.window.canGrowBack) return;
    const from = Math.max(0, old.window.start - pieceBytes);
    const piece = await api.log(job, from, old.window.start - from);
    keep({ ...old, window: old.window.prepend(piece.bytes, from), version: old.version + 1 });
  };
  return { tail, failed, earlier };
}

function rowsOf(lines: readonly LogLine[], segments: readonly LogSegment[]): Row[] {
  const rows: Row[] = [];
  const marks = segments.filter((one) => one.size > 0);
  let next = 0;
  lines.forEach((line, index) => {
    let mark: LogSegment | undefined;
    while (next < marks.length && (marks[next]?.from ?? Infinity) <= line.at) {
      mark = marks[next];
      next += 1;
    }
    if (mark) rows.push({ kind: 'segment', segment: mark });
    rows.push({ kind: 'line', line, index });
  });
  return rows;
}

function Marked({ text, what }: { text: string; what: string }): JSX.Element {
  if (what === '') return <>{text}</>;
  const parts: (string | JSX.Element)[] = [];
  const low = text.toLowerCase();
  const needle = what.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(needle); at !== -1; at = low.indexOf(needle, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + needle.length)}</mark>);
    from = at + needle.length;
  }
  return <>{parts}{text.slice(from)}</>;
}

export function LogView({ job }: { job: Job }): JSX.Element {
  const { tail, failed, earlier } = useTail(job.job);
  const [what, setWhat] = useState('');
  const [current, setCurrent] = useState(0);
  const [following, setFollowing] = useState(true);
  const [view, setView] = useState({ top: 0, height: 400 });
  const box = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const version = tail?.version ?? 0;
  const lines = tail?.window.lines ?? [];
  const segments = job.log.segments;
  const rows = useMemo(() => rowsOf(lines, segments), [version, segments]);
  const hits = useMemo(() => findHits(lines, what), [version, what]);
  const hit = hits[Math.min(current, hits.length - 1)];
  const ended = tail?.ended ?? !job.running;
  const follow = following && !ended;

  useLayoutEffect(() => {
    const element = box.current;
    if (element && following && what === '') element.scrollTop = element.scrollHeight;
  }, [rows, following]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setView((old) => ({ ...old, height: element.clientHeight })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (hit === undefined || !box.current) return;
    const at = rows.findIndex((row) => row.kind === 'line' && row.index === hit);
    box.current.scrollTop = Math.max(0, at * rowHeight - box.current.clientHeight / 2);
  }, [hit, what]);

  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
        event.preventDefault();
        field.current?.focus();
        return;
      }
      if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'f') setFollowing((old) => !old);
      if (event.key === 'G' && box.current) box.current.scrollTop = box.current.scrollHeight;
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);

  const step = (by: number): void => {
    if (hits.length === 0) return;
    setFollowing(false);
    setCurrent((old) => (Math.min(old, hits.length - 1) + by + hits.length) % hits.length);
  };
  const scrolled = (): void => {
    const element = box.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 2 * rowHeight;
    if (!atEnd && following) setFollowing(false);
    if (atEnd && !following && what === '') setFollowing(true);
  };

  const first = Math.max(0, Math.floor(view.top / rowHeight) - 20);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + 20);
  const number = tail?.window.firstNumber ?? null;
  const held = tail ? tail.window.end - tail.window.start : 0;
  return (
    <section class="card log-card">
      <div class="card-head log-head">
        <h2>{t.unit.log}</h2>
        <label class="log-search">
          <Icon name="search" />
          <input ref={field} type="text" value={what} maxLength={100} spellcheck={false} aria-label={t.log.search}
            placeholder={t.log.search}
            onInput={(event) => { setWhat(event.currentTarget.value); setCurrent(0); }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
              if (event.key === 'Escape') setWhat('');
            }} />
          {what !== '' && (
            <span class="log-hits" aria-live="polite">
              {hits.length === 0 ? t.log.noHit : t.log.hits(Math.min(current, hits.length - 1) + 1, hits.length)}
            </span>
          )}
        </label>
        {what !== '' && (
          <>
            <button type="button" onClick={() => step(-1)}>{t.log.previous}</button>
            <button type="button" onClick={() => step(1)}>{t.log.next}</button>
          </>
        )}
        {ended ? <span class="pill">{t.log.ended}</span> : (
          <button type="button" aria-pressed={follow} class={follow ? 'pressed' : ''}
            onClick={() => setFollowing((old) => !old)}>
            {follow ? t.log.following : t.log.follow}
          </button>
        )}
        <span class="spring" />
        <span class="dim log-count">
          {job.log.redactions > 0 && <>{t.unit.redactions(job.log.redactions)} · </>}
          {number !== null
            ? t.log.lines(count(Math.min(number, number + lines.length)), count(number + lines.length - 1), count(number + lines.length - 1))
            : t.log.tail(size(held))}
        </span>
      </div>
      {failed && <p class="log-note bad" role="alert">{t.log.failed}</p>}
      {tail?.window.canGrowBack && (
        <button type="button" class="log-earlier" onClick={() => void earlier()}>{t.log.earlier(size(tail.window.start))}</button>
      )}
      <div class="log-box" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-label={t.log.label} aria-live="off">
        {rows.length === 0 && tail && (
          <p class="log-note">{ended ? t.log.none : t.log.empty(`${duration((now.value - job.started_at) / 1000)}`)}</p>
        )}
        <div class="log-rows" style={{ height: `${rows.length * rowHeight}px` }}>
          <div class="log-slice" style={{ transform: `translateY(${first * rowHeight}px)` }}>
            {rows.slice(first, last).map((row) =>
              row.kind === 'segment' ? (
                <div class="log-segment" key={`s${row.segment.from}`}>{t.log.attempt(row.segment.word, row.segment.attempt)}</div>
              ) : (
                <div key={row.line.at} class={row.index === hit ? 'log-line hit' : 'log-line'}>
                  <span class="log-number">{number === null ? '' : number + row.index}</span>
                  <span><Marked text={row.line.text} what={what} /></span>
                </div>
              ))}
          </div>
        </div>
      </div>
    </section>
  );
}
