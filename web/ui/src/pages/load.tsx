// SPDX-License-Identifier: Apache-2.0
// Load a batch: choose, preview, load. The station checks; this page shows its findings and loads nothing until a
// person says so. The file is sent as it is, byte for byte, and no token is ever shown.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ApiProblem, type BatchTarget } from '../api/client';
import type { BatchCheck, BatchLoaded, PoolPage } from '../api/types';
import { CheckView, LoadedAnswer, nameRule, StepMarks, wrongLines, type CheckWords } from '../parts/batch_check';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { Link, place } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';

const largest = 16 * 1024 * 1024;

type Stage =
  | { at: 'choose' }
  | { at: 'busy'; word: string }
  | { at: 'preview'; check: BatchCheck }
  | { at: 'done'; loaded: BatchLoaded };

function FileCard({ target, check }: { target: BatchTarget; check: BatchCheck }): JSX.Element {
  const wrong = wrongLines(check);
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

const words = (): CheckWords => ({ one: t.load.line, whole: t.load.wholeFile, mend: t.load.mend, head: t.load.lineHead });

function sentenceFor(check: BatchCheck): string {
  if (check.verdict === 'accept') return check.count === 1 ? t.load.goodOne : t.load.good(count(check.count));
  const lines = wrongLines(check);
  if (lines === 0 || check.lines === undefined) return t.load.wrongFile;
  return lines === 1 ? t.load.wrongOne(count(check.lines)) : t.load.wrong(count(lines), count(check.lines));
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
  const once = useOnce();
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
  const load = (): Promise<void> => once(async () => {
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
  });
  return (
    <main class="page">
      <div class="page-head"><h1>{t.load.title}</h1><span class="spring" />
        <StepMarks words={[t.load.choose, t.load.preview, t.load.load]} at={stage.at === 'choose' ? 0 : stage.at === 'done' ? 3 : 1} />
      </div>
      {problem != null && <ProblemPanel problem={problem} />}
      {stage.at === 'busy' && <p class="busy" role="status">{stage.word}</p>}
      {stage.at === 'choose' && <ChooseForm pools={pools} target={target} check={(to, chosen) => void check(to, chosen)} />}
      {stage.at === 'preview' && (
        <CheckView check={stage.check} file={target.file} words={words()} card={<FileCard target={target} check={stage.check} />}
          verdict={{
            sentence: sentenceFor(stage.check), hint: stage.check.verdict === 'accept' ? t.load.goodHint : t.load.wholeOrNot,
            load: t.load.loadNow(count(stage.check.count)), mend: t.load.chooseMended,
          }}
          load={() => void load()} back={() => setStage({ at: 'choose' })} />
      )}
      {stage.at === 'done' && (
        <LoadedAnswer loaded={stage.loaded} another={t.load.another}
          again={() => { setTarget({ ...target, batch: '' }); setStage({ at: 'choose' }); }} />
      )}
    </main>
  );
}
