// SPDX-License-Identifier: Apache-2.0
// The log of one job: tail with follow, search in all of it, step by step, earlier and later pieces on demand.
// Only the lines in sight are in the DOM, so a log of any length scrolls alike.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api } from '../api/client';
import type { Job, LogSegment } from '../api/types';
import { now } from '../live/store';
import { t } from '../i18n';
import { count, duration, size } from '../i18n/format';
import { Icon } from './icon';
import { findHits, type LogLine } from './log_model';
import { findBack, findOn } from './log_search';
import { useTail } from './log_tail';

const rowHeight = 19;

type Row = { kind: 'line'; line: LogLine; index: number } | { kind: 'segment'; segment: LogSegment };

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
  const { tail, failed, earlier, later, goTo, toEnd } = useTail(job.job);
  const [what, setWhat] = useState('');
  const [current, setCurrent] = useState(0);
  const [following, setFollowing] = useState(true);
  const [left, setLeft] = useState<number | null>(null); // bytes that a search has not looked at yet
  const [nowhere, setNowhere] = useState(false);
  const searching = useRef<AbortController | null>(null);
  const wanted = useRef<number | null>(null); // position of the line to show next
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
    if (!element) return;
    const line = wanted.current;
    if (line !== null && (tail === null || line < tail.window.start || line >= tail.window.end)) return; // its piece is on the way
    if (line !== null) {
      wanted.current = null;
      const found = hits.findIndex((index) => lines[index]?.at === line);
      if (found !== -1) setCurrent(found);
      const at = rows.findIndex((row) => row.kind === 'line' && row.line.at >= line);
      element.scrollTop = Math.max(0, (at - 1) * rowHeight - (found === -1 ? 0 : element.clientHeight / 2));
    } else if (following && what === '' && tail?.apart !== true) {
      element.scrollTop = element.scrollHeight;
    }
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

  const show = (position: number): void => {
    setFollowing(false);
    wanted.current = position;
    void goTo(position);
  };
  const giveUp = (): void => {
    searching.current?.abort();
    searching.current = null;
    setLeft(null);
    setNowhere(false);
  };
  const searchAll = async (back: boolean): Promise<void> => {
    if (tail === null || searching.current !== null) return;
    const abort = new AbortController();
    searching.current = abort;
    const { window, size: all } = tail;
    const search = {
      read: async (from: number, max: number) => (await api.log(job.job, from, max, abort.signal)).bytes,
      what, signal: abort.signal, at: (position: number) => setLeft(back ? position : all - position),
    };
    try {
      let found = back ? await findBack(search, window.start) : await findOn(search, window.lineEnd, all);
      // Then round the log's end.
      if (found === -1) found = back ? (tail.apart ? await findBack(search, all) : -1) : await findOn(search, 0, window.start);
      if (abort.signal.aborted) return;
      giveUp();
      if (found !== -1) show(found);
      else if (hits.length > 0) setCurrent(back ? hits.length - 1 : 0);
      else setNowhere(true);
    } catch {
      if (!abort.signal.aborted) giveUp();
    }
  };
  useEffect(() => () => searching.current?.abort(), [job.job]);
  const step = (by: number): void => {
    if (what === '' || tail === null) return;
    setFollowing(false);
    const next = Math.min(current, hits.length - 1) + by;
    if (hits.length > 0 && next >= 0 && next < hits.length) return setCurrent(next);
    if (by > 0 && tail.apart) return void searchAll(false);
    if (tail.window.start > 0 && (by < 0 || hits.length === 0)) return void searchAll(true);
    if (hits.length > 0) setCurrent((next + hits.length) % hits.length);
  };
  const hitText = (): string => {
    if (left !== null) return t.log.searching(size(left));
    if (hits.length > 0) return t.log.hits(Math.min(current, hits.length - 1) + 1, hits.length);
    if (nowhere) return t.log.nowhere;
    return tail !== null && (tail.window.start > 0 || tail.apart) ? t.log.noHitHere : t.log.noHit;
  };
  const scrolled = (): void => {
    const element = box.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 2 * rowHeight;
    if (!atEnd && following) setFollowing(false);
    if (atEnd && !following && what === '' && tail?.apart !== true) setFollowing(true);
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
            onInput={(event) => { giveUp(); setWhat(event.currentTarget.value); setCurrent(0); }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
              if (event.key === 'Escape') { giveUp(); setWhat(''); }
            }} />
          {what !== '' && (
            <span class="log-hits" aria-live="polite">
              {hitText()}
            </span>
          )}
        </label>
        {what !== '' && (
          <>
            <button type="button" onClick={() => step(-1)}>{t.log.previous}</button>
            <button type="button" onClick={() => step(1)}>{t.log.next}</button>
          </>
        )}
        {segments.filter((one) => one.size > 0).length > 1 && (
          <select class="log-steps" aria-label={t.log.toStep} value="" onChange={(event) => show(Number(event.currentTarget.value))}>
            <option value="" disabled>{t.log.toStep}</option>
            {segments.filter((one) => one.size > 0).map((one) => <option key={one.from} value={String(one.from)}>{t.log.attempt(one.word, one.attempt)}</option>)}
          </select>
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
            : tail?.apart === true ? `${size(tail.window.start)} – ${size(tail.window.end)}` : t.log.tail(size(held))}
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
      {tail?.apart && (
        <p class="log-later">
          <button type="button" onClick={() => void later()}>{t.log.later(size(tail.size - tail.window.end))}</button>
          <button type="button" onClick={() => { setFollowing(true); toEnd(); }}>{t.log.toEnd}</button>
        </p>
      )}
    </section>
  );
}
