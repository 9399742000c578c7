// SPDX-License-Identifier: Apache-2.0
// What the station found in a batch that is to be loaded, from a file or from a range: the steps, the verdict with what
// to press, the complaints, a sample without tokens, and the answer when it is in.
import type { ComponentChildren, JSX } from 'preact';
import type { BatchCheck, BatchLoaded, Complaint } from '../api/types';
import { live } from '../live/store';
import { Link } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';
import { complaintsCsv, saveAs } from './csv';
import { Icon } from './icon';

// Names of pools and batches, for the fields they are typed into.
export const nameRule = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}';

// A file has lines, a range has numbers.
export interface CheckWords {
  one: (n: string) => string;
  whole: string;
  mend: string;
  head: string;
}

export function StepMarks({ words, at }: { words: readonly string[]; at: number }): JSX.Element {
  return (
    <ol class="marks" aria-label={t.load.steps}>
      {words.map((word, i) => (
        <li key={word} class={i < at ? 'done' : i === at ? 'at' : ''} aria-current={i === at ? 'step' : undefined}>
          <span class="mark">{i < at ? <Icon name="tick" heavy /> : i + 1}</span>{word}
        </li>
      ))}
    </ol>
  );
}

function ComplaintRow({ one, bad, words }: { one: Complaint; bad: boolean; words: CheckWords }): JSX.Element {
  return (
    <li class={bad ? 'complaint bad' : 'complaint'} data-line={one.line}>
      <span class="complaint-where">
        <strong>{one.line > 0 ? words.one(count(one.line)) : words.whole}</strong>
        {one.column > 0 && <small>{t.load.column(one.column, one.field)}</small>}
      </span>
      <span class="complaint-what">
        <strong>{one.message}</strong>
        {one.serial != null && one.serial !== '' && <code><u>{one.serial}</u></code>}
      </span>
    </li>
  );
}

function Complaints({ title, rows, total, bad, file, words }: {
  title: string; rows: readonly Complaint[]; total: number; bad: boolean; file: string; words: CheckWords;
}): JSX.Element | null {
  const most = 200;
  if (rows.length === 0) return null;
  return (
    <section class="card">
      <div class="card-head">
        <h2>{title}</h2>
        <button type="button" onClick={() => saveAs(`${file}.complaints.csv`, complaintsCsv(rows))}>
          <Icon name="download" />{t.load.listCsv}
        </button>
      </div>
      <ul class="complaints">
        {rows.slice(0, most).map((one, i) => <ComplaintRow key={i} one={one} bad={bad} words={words} />)}
      </ul>
      {total > most && <p class="card-note">{t.load.more(count(total - most))}</p>}
    </section>
  );
}

function SampleCard({ check, words }: { check: BatchCheck; words: CheckWords }): JSX.Element | null {
  const sample = check.sample ?? [];
  if (sample.length === 0) return null;
  const wrong = new Set(check.errors.map((one) => one.line));
  return (
    <section class="card">
      <div class="card-head"><h2>{t.load.previewCard}</h2><span class="dim">{t.load.hidden}</span></div>
      <table class="rows">
        <thead><tr><th class="right">{words.head}</th><th>{t.load.serialHead}</th><th>{t.load.token}</th></tr></thead>
        <tbody>
          {sample.map((row) => (
            <tr key={row.line} class={wrong.has(row.line) ? 'wrong' : ''}>
              <td class="right">{count(row.line)}</td>
              <td>{wrong.has(row.line) && <Icon name="close" heavy />}{row.serial}</td>
              <td class="dim">{row.token_length === null ? t.load.tokenNone : t.load.tokenLong(row.token_length)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function wrongLines(check: BatchCheck): number {
  return new Set(check.errors.filter((one) => one.line > 0).map((one) => one.line)).size;
}

interface Verdict {
  sentence: string;
  hint: string;
  load: string;   // on the button of an accepted one
  mend: string;   // on the button of a refused one
}

// `card` stands beside the complaints: what is loaded, and into what.
export function CheckView({ check, file, verdict, words, card, load, back }: {
  check: BatchCheck; file: string; verdict: Verdict; words: CheckWords; card: ComponentChildren; load: () => void; back: () => void;
}): JSX.Element {
  const accepted = check.verdict === 'accept';
  const quiet = check.errors.length === 0 && check.warnings.length === 0;
  const sample = <SampleCard check={check} words={words} />;
  return (
    <>
      <section class={accepted ? 'answer good' : 'answer bad'} data-preview={check.verdict} role="status">
        <Icon name={accepted ? 'pass' : 'refused'} />
        <p><strong>{verdict.sentence}</strong><span>{verdict.hint}</span></p>
        {accepted && <button type="button" onClick={back}>{t.load.cancel}</button>}
        <button type="button" class="main" data-load={accepted ? 'yes' : 'no'} disabled={accepted && live.value !== 'live'}
          onClick={accepted ? load : back}>
          {accepted ? verdict.load : verdict.mend}
        </button>
      </section>
      <div class="load-grid">
        <div class="column">
          <Complaints title={words.mend} rows={check.errors} total={check.errors_total ?? check.errors.length} bad file={file} words={words} />
          <Complaints title={t.load.warnings} rows={check.warnings} total={check.warnings.length} bad={false} file={file} words={words} />
          {quiet && <section class="card"><p class="card-note">{t.load.noLines}</p></section>}
          {quiet && sample}
        </div>
        <div class="column">{card}{!quiet && sample}</div>
      </div>
    </>
  );
}

export function LoadedAnswer({ loaded, another, again }: { loaded: BatchLoaded; another: string; again: () => void }): JSX.Element {
  return (
    <section class="answer good" data-loaded={loaded.count} role="status">
      <Icon name="pass" />
      <p>
        <strong>{t.load.done(count(loaded.count), loaded.batch.name)}</strong>
        <span>{t.load.left(count(loaded.left), loaded.batch.pool)}</span>
      </p>
      <button type="button" onClick={again}>{another}</button>
      <Link to={`/pool?pool=${encodeURIComponent(loaded.batch.pool)}`} class="button main">{t.load.toPool}</Link>
    </section>
  );
}
