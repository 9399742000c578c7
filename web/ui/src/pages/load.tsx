// SPDX-License-Identifier: Apache-2.0
// Load a batch: choose, preview, load. The station checks; this page shows its findings and loads nothing until a
// person says so. The file is sent as it is, byte for byte, and no token is ever shown.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiProblem, type BatchTarget } from '../api/client';
import type { BatchCheck, BatchLoaded, Complaint, PoolPage } from '../api/types';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { complaintsCsv, saveAs } from '../parts/csv';
import { Link, place } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';

const largest = 16 * 1024 * 1024;
const nameRule = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}';

type Stage =
  | { at: 'choose' }
  | { at: 'busy'; word: string }
  | { at: 'preview'; check: BatchCheck }
  | { at: 'done'; loaded: BatchLoaded };

function StepMarks({ at }: { at: Stage['at'] }): JSX.Element {
  const now = at === 'choose' ? 0 : at === 'done' ? 3 : 1;
  return (
    <ol class="marks" aria-label={t.load.steps}>
      {[t.load.choose, t.load.preview, t.load.load].map((word, i) => (
        <li key={word} class={i < now ? 'done' : i === now ? 'at' : ''} aria-current={i === now ? 'step' : undefined}>
          <span class="mark">{i < now ? <Icon name="tick" heavy /> : i + 1}</span>{word}
        </li>
      ))}
    </ol>
  );
}

function ComplaintRow({ one, bad }: { one: Complaint; bad: boolean }): JSX.Element {
  return (
    <li class={bad ? 'complaint bad' : 'complaint'} data-line={one.line}>
      <span class="complaint-where">
        <strong>{one.line > 0 ? t.load.line(count(one.line)) : t.load.wholeFile}</strong>
        {one.column > 0 && <small>{t.load.column(one.column, one.field)}</small>}
      </span>
      <span class="complaint-what">
        <strong>{one.message}</strong>
        {one.serial != null && one.serial !== '' && <code><u>{one.serial}</u></code>}
      </span>
    </li>
  );
}

function Complaints({ title, rows, total, bad, file }: {
  title: string; rows: readonly Complaint[]; total: number; bad: boolean; file: string;
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
        {rows.slice(0, most).map((one, i) => <ComplaintRow key={i} one={one} bad={bad} />)}
      </ul>
      {total > most && <p class="card-note">{t.load.more(count(total - most))}</p>}
    </section>
  );
}

function FileCard({ target, check }: { target: BatchTarget; check: BatchCheck }): JSX.Element {
  const wrong = new Set(check.errors.map((one) => one.line)).size;
  const rows: [string, string][] = [[t.load.name, target.file]];
  if (check.lines !== undefined) {
    rows.push([t.load.lines, t.load.linesValue(count(check.lines), check.header ?? false)]);
    rows.push([t.load.goodWrong, t.load.goodWrongValue(count(Math.max(0, check.lines - wrong)), count(wrong))]);
  }
  if (check.separator != null) {
    rows.push([t.load.separator, t.load.foundByItself(t.load.separators[check.separator] ?? check.separator)]);
  }
  rows.push([t.load.into, target.pool], [t.load.as, target.batch]);
  return (
    <section class="card">
      <div class="card-head"><h2>{t.load.fileCard}</h2></div>
      <dl class="facts wide">{rows.map(([label, value]) => <div key={label}><dt>{label}</dt><dd><b>{value}</b></dd></div>)}</dl>
    </section>
  );
}

function SampleCard({ check }: { check: BatchCheck }): JSX.Element | null {
  const sample = check.sample ?? [];
  if (sample.length === 0) return null;
  const wrong = new Set(check.errors.map((one) => one.line));
  return (
    <section class="card">
      <div class="card-head"><h2>{t.load.previewCard}</h2><span class="dim">{t.load.hidden}</span></div>
      <table class="rows">
        <thead><tr><th class="right">{t.load.lineHead}</th><th>{t.load.serialHead}</th><th>{t.load.token}</th></tr></thead>
        <tbody>
          {sample.map((row) => (
            <tr key={row.line} class={wrong.has(row.line) ? 'wrong' : ''}>
              <td class="right">{row.line}</td>
              <td>{wrong.has(row.line) && <Icon name="close" heavy />}{row.serial}</td>
              <td class="dim">{row.token_length === null ? t.load.tokenNone : t.load.tokenLong(row.token_length)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function wrongLines(check: BatchCheck): string {
  const lines = new Set(check.errors.filter((one) => one.line > 0).map((one) => one.line)).size;
  if (lines === 0 || check.lines === undefined) return t.load.wrongFile;
  return lines === 1 ? t.load.wrongOne(count(check.lines)) : t.load.wrong(count(lines), count(check.lines));
}

function Preview({ target, check, load, choose }: {
  target: BatchTarget; check: BatchCheck; load: () => void; choose: () => void;
}): JSX.Element {
  const accepted = check.verdict === 'accept';
  return (
    <>
      <section class={accepted ? 'answer good' : 'answer bad'} data-preview={check.verdict} role="status">
        <Icon name={accepted ? 'pass' : 'refused'} />
        <p>
          <strong>{accepted ? (check.count === 1 ? t.load.goodOne : t.load.good(count(check.count))) : wrongLines(check)}</strong>
          <span>{accepted ? t.load.goodHint : t.load.wholeOrNot}</span>
        </p>
        {accepted && <button type="button" onClick={choose}>{t.load.cancel}</button>}
        <button type="button" class="main" data-load={accepted ? 'yes' : 'no'} onClick={accepted ? load : choose}>
          {accepted ? t.load.loadNow(count(check.count)) : t.load.chooseMended}
        </button>
      </section>
      <div class="load-grid">
        <div class="column">
          <Complaints title={t.load.mend} rows={check.errors} total={check.errors_total ?? check.errors.length} bad file={target.file} />
          <Complaints title={t.load.warnings} rows={check.warnings} total={check.warnings.length} bad={false} file={target.file} />
          {check.errors.length === 0 && check.warnings.length === 0 && <section class="card"><p class="card-note">{t.load.noLines}</p></section>}
        </div>
        <div class="column"><FileCard target={target} check={check} /><SampleCard check={check} /></div>
      </div>
    </>
  );
}

function ChooseForm({ pools, target, check }: {
  pools: PoolPage | null; target: BatchTarget; check: (target: BatchTarget, file: File) => void;
}): JSX.Element {
  const [file, setFile] = useState<File | null>(null);
  const [batch, setBatch] = useState(target.batch);
  const [pool, setPool] = useState(target.pool);
  const [testOnly, setTestOnly] = useState(target.testOnly);
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (pool === '' && pools?.pools[0]) setPool(pools.pools[0].name);
  }, [pools]);
  const take = (taken: File | undefined): void => {
    if (!taken) return;
    setFile(taken);
    // The file's own name is the likeliest name of the batch: batch-2611-c.csv -> 2611-c.
    if (batch === '') {
      setBatch(taken.name.replace(/\.[A-Za-z]+$/, '').replace(/^batch[-_ ]*/i, '').replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 64));
    }
  };
  const tooBig = file !== null && file.size > largest;
  return (
    <form class="card load-form" onSubmit={(event) => {
      event.preventDefault();
      if (file && !tooBig) check({ pool, batch, testOnly, file: file.name }, file);
    }}>
      <div class={over ? 'drop over' : 'drop'}
        onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => { event.preventDefault(); setOver(false); take(event.dataTransfer?.files[0]); }}>
        <Icon name="upload" />
        <p>
          {file ? <strong>{file.name}</strong> : t.load.drop}
          <button type="button" class={file ? '' : 'main'} onClick={() => input.current?.click()}>
            {file ? t.load.chooseMended : t.load.chooseFile}
          </button>
        </p>
        <input ref={input} class="visually-hidden" type="file" accept=".csv,.txt,text/csv" aria-label={t.load.file} data-file
          tabIndex={-1} onChange={(event) => take(event.currentTarget.files?.[0])} />
        <p class="dim">{t.load.fileHint}</p>
        {tooBig && <p class="bad" role="alert">{t.load.tooBig}</p>}
      </div>
      <div class="fields">
        <label>{t.load.pool}
          <input name="pool" list="pools" required pattern={nameRule} value={pool} maxLength={64} spellcheck={false}
            onInput={(event) => setPool(event.currentTarget.value)} />
          <datalist id="pools">{pools?.pools.map((one) => <option key={one.name} value={one.name} />)}</datalist>
          <small class="dim">{t.load.poolHint}</small>
        </label>
        <label>{t.load.batch}
          <input name="batch" required pattern={nameRule} title={t.load.nameTaken} value={batch} maxLength={64} spellcheck={false}
            onInput={(event) => setBatch(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input name="test" type="checkbox" checked={testOnly} onChange={(event) => setTestOnly(event.currentTarget.checked)} />
          {t.load.testOnly}
        </label>
        <p class="form-end">
          <Link to="/pool" class="button">{t.load.cancel}</Link>
          <button type="submit" class="main" data-check disabled={!file || tooBig}>{t.load.check}</button>
        </p>
      </div>
    </form>
  );
}

export function LoadPage(): JSX.Element {
  const { data: pools } = useLoaded((signal) => api.pool(signal), 'pools');
  const [stage, setStage] = useState<Stage>({ at: 'choose' });
  const [problem, setProblem] = useState<unknown>(null);
  const [target, setTarget] = useState<BatchTarget>({
    pool: place.value.query.get('pool') ?? '', batch: '', testOnly: false, file: '',
  });
  const file = useRef<File | null>(null);
  useEffect(() => {
    document.title = `${t.product} – ${t.load.title}`;
  }, []);

  const check = async (to: BatchTarget, chosen: File): Promise<void> => {
    setTarget(to);
    file.current = chosen;
    setProblem(null);
    setStage({ at: 'busy', word: t.load.checking });
    try {
      setStage({ at: 'preview', check: await api.previewBatch(to, chosen) });
    } catch (caught) {
      setProblem(caught);
      setStage({ at: 'choose' });
    }
  };
  const load = async (): Promise<void> => {
    if (!file.current) return;
    setStage({ at: 'busy', word: t.load.loading });
    try {
      setStage({ at: 'done', loaded: await api.loadBatch(target, file.current) });
    } catch (caught) {
      // The pool may have changed since the preview: the refusal then carries its own findings.
      const findings = caught instanceof ApiProblem ? caught.body.check : undefined;
      setProblem(findings ? null : caught);
      setStage(findings ? { at: 'preview', check: findings } : { at: 'choose' });
    }
  };
  return (
    <main class="page">
      <div class="page-head"><h1>{t.load.title}</h1><span class="spring" /><StepMarks at={stage.at} /></div>
      {problem != null && <ProblemPanel problem={problem} />}
      {stage.at === 'busy' && <p class="busy" role="status">{stage.word}</p>}
      {stage.at === 'choose' && <ChooseForm pools={pools} target={target} check={(to, chosen) => void check(to, chosen)} />}
      {stage.at === 'preview' && (
        <Preview target={target} check={stage.check} load={() => void load()} choose={() => setStage({ at: 'choose' })} />
      )}
      {stage.at === 'done' && (
        <section class="answer good" data-loaded={stage.loaded.count} role="status">
          <Icon name="pass" />
          <p>
            <strong>{t.load.done(count(stage.loaded.count), stage.loaded.batch.name)}</strong>
            <span>{t.load.left(count(stage.loaded.left), stage.loaded.batch.pool)}</span>
          </p>
          <button type="button" onClick={() => { setTarget({ ...target, batch: '' }); setStage({ at: 'choose' }); }}>{t.load.another}</button>
          <Link to={`/pool?pool=${encodeURIComponent(stage.loaded.batch.pool)}`} class="button main">{t.load.toPool}</Link>
        </section>
      )}
    </main>
  );
}
