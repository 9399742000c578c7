// SPDX-License-Identifier: Apache-2.0
// Profiles and recipes as the text they are: checked by the station while one types, compared before it is saved. Passwords never come
// here; a mark stands for each.
import type { JSX } from 'preact';
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api/client';
import type { RecipeCheck, RecipeError, RecipeText } from '../api/types_technician';
import { live, now } from '../live/store';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { ReasonForm } from '../parts/reason_form';
import { linesOfDiff, rangeOf } from '../parts/recipe_text';
import { TechnicianHead } from '../parts/technician_head';
import { t } from '../i18n';
import { when } from '../i18n/format';

const pauseMs = 300; // of typing, before the station is asked

function Complaint({ one, own, show }: { one: RecipeError; own: boolean; show: (one: RecipeError) => void }): JSX.Element {
  const where = one.line > 0 ? t.recipes.at(one.line, one.column) : '';
  return (
    <li data-complaint={one.line}>
      <Icon name="circle-x" />
      <div>
        <p>
          {own ? one.line > 0 && <button type="button" class="plain-link" onClick={() => show(one)}>{where}</button>
            : <span class="mono">{one.file}{one.line > 0 && `:${one.line}:${one.column}`}</span>}
          {one.field !== '' && <b class="mono"> {one.field}</b>}
        </p>
        <p>{one.message}</p>
        {one.remedy !== null && <p class="remedy">{one.remedy}</p>}
      </div>
    </li>
  );
}

function Difference({ before, after }: { before: string; after: string }): JSX.Element {
  const signs = { same: ' ', gone: '−', new: '+', cut: '' };
  return (
    <div class="diff" tabIndex={0} role="region" aria-label={t.recipes.difference} data-diff>
      {linesOfDiff(before, after).map((line, i) => (
        <div key={i} class={`diff-${line.kind}`}>
          <span class="diff-no">{line.line ?? ''}</span>
          <span class="diff-sign" aria-hidden="true">{signs[line.kind]}</span>
          <span class="diff-text">
            {line.kind === 'cut' ? t.recipes.cut(Number(line.text)) : <>
              {line.kind === 'new' && <ins class="visually-hidden">{t.recipes.added}</ins>}
              {line.kind === 'gone' && <del class="visually-hidden">{t.recipes.removed}</del>}
              {line.text}
            </>}
          </span>
        </div>
      ))}
    </div>
  );
}

// What is before the eyes of who saves: the lines, and what stops.
function Review({ kept, text, check, saved, back }: {
  kept: RecipeText; text: string; check: RecipeCheck | null; saved: (next: RecipeText) => void; back: () => void;
}): JSX.Element {
  const next = useRef<RecipeText | null>(null);
  return (
    <section class="card" data-review>
      <div class="card-head"><h2>{t.recipes.difference}</h2><span class="dim">{t.recipes.nextStart}</span></div>
      <Difference before={kept.text} after={text} />
      {check?.orders != null && check.orders.length > 0 && (
        <div class="note-warn" data-stops>
          <Icon name="warning" />
          <div>
            <p><b>{t.recipes.stops}</b></p>
            <ul>{check.orders.map((one) => <li key={one.order}><b>{one.order}</b>: {one.what}</li>)}</ul>
            <p>{t.recipes.stopsHint}</p>
          </div>
        </div>
      )}
      <div class="card-form button-row">
        <button type="button" onClick={back}>{t.recipes.back}</button>
        <ReasonForm name="save-recipes" button={t.recipes.save} label={t.reason.why} sure={t.recipes.saveSure} note={t.recipes.saveNote}
          act={async (reason) => { next.current = await api.saveRecipes(text, kept.revision, reason); }}
          done={() => { if (next.current !== null) saved(next.current); }} />
      </div>
    </section>
  );
}

function Editor({ kept, changed, reload }: { kept: RecipeText; changed: (next: RecipeText) => void; reload: () => void }): JSX.Element {
  const text = useSignal(kept.text);
  const check = useSignal<RecipeCheck | null>(null);
  const checked = useSignal<string | null>(null); // the text it is of
  const problem = useSignal<unknown>(null);
  const reviewing = useSignal<RecipeCheck | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const fresh = useComputed(() => checked.value === text.value);
  const dirty = useComputed(() => text.value !== kept.text);

  // One question at a time: a newer text takes the older question back.
  useEffect(() => {
    if (live.value !== 'live') return undefined;
    const abort = new AbortController();
    const asked = text.value;
    const timer = setTimeout(() => {
      api.checkRecipes(asked, kept.revision, false, abort.signal).then(
        (answer) => { check.value = answer; checked.value = asked; problem.value = null; },
        (error: unknown) => { if (!abort.signal.aborted) problem.value = error; },
      );
    }, checked.value === null ? 0 : pauseMs);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text.value, kept.revision, live.value]);
  useEffect(() => {
    if (!dirty.value) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [dirty.value]);

  const show = (one: RecipeError): void => {
    const at = area.current;
    if (at === null) return;
    const { from, to } = rangeOf(text.value, one.line, one.column);
    at.focus();
    at.setSelectionRange(from, to);
    const height = Number.parseFloat(getComputedStyle(at).lineHeight);
    at.scrollTop = Math.max(0, (one.line - 4) * height);
  };
  const review = async (): Promise<void> => {
    try {
      reviewing.value = await api.checkRecipes(text.value, kept.revision, true);
      problem.value = null;
    } catch (error) {
      problem.value = error;
    }
  };
  if (reviewing.value !== null) {
    return <Review kept={kept} text={text.value} check={reviewing.value} saved={changed} back={() => { reviewing.value = null; }} />;
  }
  const own = check.value?.errors.filter((one) => one.file === kept.file) ?? [];
  const bad = new Set(own.map((one) => one.line));
  const lines = text.value.split('\n').length;
  const good = check.value?.verdict === 'accept';
  return (
    <div class="recipe-room">
      <section class="card recipe-text">
        <div class="card-head"><h2 class="mono">{kept.file}</h2><span class="dim">{t.recipes.keptMark}</span></div>
        <div class="code-edit">
          <div class="code-lines" ref={gutter} aria-hidden="true">
            {Array.from({ length: lines }, (_, i) => <span key={i} class={bad.has(i + 1) ? 'bad-line' : ''}>{i + 1}</span>)}
          </div>
          <textarea ref={area} value={text.value} spellcheck={false} autocomplete="off" autocapitalize="off" wrap="off" data-recipes
            aria-label={t.recipes.text} aria-describedby="recipe-verdict" readOnly={kept.read_only === 'large'}
            onScroll={(event) => { if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop; }}
            onInput={(event) => { text.value = event.currentTarget.value; }} />
        </div>
      </section>
      <section class="card recipe-said">
        <div class="card-head"><h2>{t.recipes.check}</h2></div>
        <p id="recipe-verdict" class={`recipe-verdict ${!fresh.value ? 'dim' : good ? 'good' : 'bad'}`} role="status"
          data-verdict={fresh.value ? check.value?.verdict : ''}>
          <Icon name={!fresh.value ? 'clock' : good ? 'pass' : 'circle-x'} />
          <span>{!fresh.value ? t.recipes.checking : good ? t.recipes.good(check.value?.profiles ?? 0) : t.recipes.bad(check.value?.errors_total ?? 0)}</span>
        </p>
        {problem.value !== null && <ProblemPanel problem={problem.value} reload={reload} />}
        {check.value !== null && check.value.errors.length > 0 && (
          <ul class={fresh.value ? 'complaints' : 'complaints stale'}>
            {check.value.errors.map((one, i) => <Complaint key={i} one={one} own={one.file === kept.file} show={show} />)}
          </ul>
        )}
        <div class="card-form button-row">
          {kept.read_only === null && (
            <button type="button" class="main" data-do-review disabled={!dirty.value || !fresh.value || !good || live.value !== 'live'}
              onClick={() => void review()}>{t.recipes.review}</button>
          )}
          <button type="button" disabled={!dirty.value} onClick={() => { text.value = kept.text; }}>{t.recipes.undo}</button>
        </div>
      </section>
    </div>
  );
}

function ReadOnly({ kept }: { kept: RecipeText }): JSX.Element | null {
  if (kept.read_only === null) return null;
  return (
    <section class="card card-form" data-read-only={kept.read_only}>
      <p><b>{t.recipes.readOnly[kept.read_only]}</b></p>
      {kept.read_only === 'station' && (
        <>
          <p>{t.recipes.move}</p>
          <ol class="steps-list">
            {t.recipes.moveSteps(kept.file).map((step) => <li key={step}>{step}</li>)}
          </ol>
        </>
      )}
    </section>
  );
}

export function RecipesPage(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.recipes(signal), 'recipes');
  const kept = useSignal<RecipeText | null>(null);
  const wanted = useRef(true);
  const told = useSignal(false);
  useEffect(() => { document.title = `${t.product} – ${t.recipes.title}`; }, []);
  // What is being edited stays, whatever is loaded behind it, until it is asked for anew.
  useEffect(() => {
    if (data === null || !wanted.current) return;
    wanted.current = false;
    kept.value = data;
  }, [data]);
  const anew = (): void => { wanted.current = true; told.value = false; reload(); };
  const shown = kept.value;
  return (
    <main class="page recipes-page">
      <TechnicianHead at="recipes" />
      {problem !== null && (shown === null || wanted.current) && <ProblemPanel problem={problem} reload={reload} />}
      {shown !== null && (
        <>
          {told.value && <p class="said" role="status" data-saved>{t.recipes.saved}</p>}
          {!shown.in_force && (
            <p class="note-warn" data-pending><Icon name="clock" /><span><b>{t.recipes.pending}</b> {shown.saved !== null && t.recipes.savedBy(shown.saved.by, when(shown.saved.at, now.value), shown.saved.reason)} {t.recipes.pendingHint}</span></p>
          )}
          <ReadOnly kept={shown} />
          {/* By its text: after a restart of the station the same file has another revision, and what was typed stays. */}
          {shown.text !== '' && <Editor key={shown.text} kept={shown} reload={anew} changed={(next) => { kept.value = next; told.value = true; }} />}
        </>
      )}
    </main>
  );
}
