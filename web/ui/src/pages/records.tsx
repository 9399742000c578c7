// SPDX-License-Identifier: Apache-2.0
// What was made: filters kept in the address, a dense table, exports of exactly the rows the filters name.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import type { RecordRow, RecordsAnswer } from '../api/types';
import { allTiles, now, slots } from '../live/store';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import {
  addressOf, apiQuery, filterNames, filtersOf, outcomes, resultsOf, withResult, without, type FilterName, type Filters,
} from '../parts/record_query';
import { shiftWord } from '../parts/shift_word';
import { ResultTag } from '../parts/result_tag';
import { keepSaved, loadSaved, withSaved, type Saved } from '../parts/saved_filters';
import { TypedInput } from '../parts/typed_input';
import { go, Link, place } from '../router';
import { t } from '../i18n';
import { count, duration, iso, shortHex, whenSeconds } from '../i18n/format';

const pageSize = 100;
const change = (filters: Filters): void => go(addressOf(filters), 'replace');

interface EntryProps {
  name: FilterName;
  type: 'text' | 'datetime-local' | 'date';
  value: string;
  placeholder: string;
  set: (next: string) => void;
}

function Entry({ name, type, value, placeholder, set }: EntryProps): JSX.Element {
  return type === 'text'
    ? <TypedInput name={name} type="text" value={value} maxLength={64} placeholder={placeholder} spellcheck={false} change={set} />
    : <TypedInput name={name} type={type} value={value} change={set} />;
}

function Field({ name, label, filters, type = 'text', placeholder = t.records.any, list, word = shortHex }: {
  name: FilterName; label: string; filters: Filters; type?: 'text' | 'datetime-local' | 'date'; placeholder?: string; list?: readonly string[]; word?: (value: string) => string;
}): JSX.Element {
  const value = filters[name] ?? '';
  const set = (next: string): void => change(next.trim() === '' ? without(filters, name) : { ...filters, [name]: next });
  return (
    <label class="field">
      <span>{label}</span>
      {list ? (
        <select name={name} value={value} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">{t.records.any}</option>
          {value !== '' && !list.includes(value) && <option value={value}>{word(value)}</option>}
          {list.map((one) => <option key={one} value={one}>{word(one)}</option>)}
        </select>
      ) : (
        <Entry name={name} type={type} value={value} placeholder={placeholder} set={set} />
      )}
    </label>
  );
}

function SavedFilters({ filters }: { filters: Filters }): JSX.Element {
  const [saved, setSaved] = useState<Saved[]>(loadSaved);
  const keep = (next: Saved[]): void => { setSaved(next); keepSaved(next); };
  const here = addressOf(filters);
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const name = String(new FormData(form).get('name') ?? '').trim();
    if (name === '') return;
    keep(withSaved(saved, name, filters));
    form.reset();
  };
  if (saved.length === 0 && here === '/records') return <></>;
  return (
    <div class="saved-filters">
      {saved.map((one) => (
        <span key={one.name} class="saved-filter" data-saved={one.name}>
          <Link to={addressOf(one.filters)} current={addressOf(one.filters) === here}>{one.name}</Link>
          <button type="button" class="plain" aria-label={t.records.forget(one.name)} title={t.records.forget(one.name)}
            onClick={() => keep(saved.filter((other) => other !== one))}><Icon name="close" /></button>
        </span>
      ))}
      {here !== '/records' && (
        <form data-form="save-filters" onSubmit={save}>
          <input name="name" type="text" maxLength={40} required aria-label={t.records.saveName} placeholder={t.records.saveName} autoComplete="off" />
          <button type="submit">{t.records.save}</button>
        </form>
      )}
    </div>
  );
}

function FilterPanel({ filters, answer }: { filters: Filters; answer: RecordsAnswer | null }): JSX.Element {
  const { data: pools } = useLoaded((signal) => api.pool(signal), 'filter');
  const { data: images } = useLoaded(() => api.images(), 'filter');
  const { data: orders } = useLoaded((signal) => api.orders(signal), 'filter');
  const { data: shifts } = useLoaded((signal) => api.shifts(signal), 'filter');
  const chosen = resultsOf(filters);
  return (
    <aside class="card filters">
      <div class="card-head">
        <h2>{t.records.filter}</h2>
        <button type="button" class="plain" onClick={() => change({})}>{t.records.clear}</button>
      </div>
      <SavedFilters filters={filters} />
      <div class="filter-fields">
        <div class="pair">
          <Field name="serial_from" label={t.records.from} filters={filters} />
          <Field name="serial_to" label={t.records.to} filters={filters} />
        </div>
        <Field name="since" label={t.records.since} filters={filters} type="datetime-local" />
        <Field name="until" label={t.records.until} filters={filters} type="datetime-local" />
        <div class="pair">
          <Field name="shift" label={t.shifts.shift} filters={filters} list={shifts?.shifts.map((one) => one.name) ?? []} word={shiftWord} />
          <Field name="day" label={t.shifts.day} filters={filters} type="date" />
        </div>
        <Field name="order" label={t.records.order} filters={filters} list={orders?.orders.map((one) => one.name) ?? []} />
        <Field name="batch" label={t.records.batch} filters={filters} list={pools?.batches.map((one) => one.name) ?? []} />
        <Field name="image" label={t.records.image} filters={filters} list={images?.images.map((one) => one.id) ?? []} />
        <fieldset>
          <legend>{t.records.result}</legend>
          {outcomes.map((outcome) => (
            <label key={outcome} class="check">
              <input type="checkbox" name={outcome} checked={chosen.has(outcome)}
                onChange={(event) => change(withResult(filters, outcome, event.currentTarget.checked))} />
              <span>{t.outcomeLong[outcome]}</span>
              <span class="spring" /><span class="dim">{answer ? count(answer.counts[outcome]) : ''}</span>
            </label>
          ))}
        </fieldset>
        <div class="pair">
          <Field name="code" label={t.records.code} filters={filters} />
          <Field name="slot" label={t.records.slot} filters={filters} list={slots.value} />
        </div>
        <Field name="operator" label={t.records.operator} filters={filters} />
      </div>
    </aside>
  );
}

function Chips({ filters }: { filters: Filters }): JSX.Element {
  return (
    <>
      {filterNames.map((name) => {
        const value = filters[name];
        if (value === undefined) return null;
        const text = name === 'shift' ? shiftWord(value) : `${t.records.chips[name] ?? ''}${shortHex(value.replace('T', ' ').replaceAll(',', ', '))}`;
        return (
          <button key={name} type="button" class="chip" aria-label={t.records.remove(text)} onClick={() => change(without(filters, name))}>
            {text}<Icon name="close" heavy />
          </button>
        );
      })}
    </>
  );
}

function Figures({ answer, tookMs }: { answer: RecordsAnswer; tookMs: number | null }): JSX.Element {
  const one = (n: number, word: string): JSX.Element => <span><strong>{count(n)}</strong> {word}</span>;
  return (
    <p class="figures" data-total={answer.total}>
      {one(answer.total, t.records.attempts(count(answer.units)))}
      {one(answer.counts.PASS, t.records.passed)}
      {one(answer.counts.FAIL, t.records.failed)}
      {one(answer.counts.ERROR, t.records.notJudged)}
      {one(answer.counts.ABORTED, t.records.stopped)}
      <span class="spring" />
      {tookMs !== null && <span class="dim">{t.records.answered(String(tookMs))}</span>}
    </p>
  );
}

// One person released the image of this unit, in an emergency.
function Emergency({ row }: { row: RecordRow }): JSX.Element {
  const says = `${t.orders.howOnRecord.emergency} ${row.image_released_by ?? ''}: ${row.image_release_reason ?? ''}`;
  return <span class="release emergency" title={says} data-emergency><Icon name="warning" /><span class="visually-hidden">{says}</span></span>;
}

function Row({ row }: { row: RecordRow }): JSX.Element {
  const to = `/units/${row.unit}?job=${row.job}`;
  return (
    <tr tabIndex={-1} data-job={row.job} data-outcome={row.result} onDblClick={() => go(to)}>
      <td title={iso(row.ended_ms)}>{whenSeconds(row.ended_ms, now.peek())}</td>
      <td>{row.serial === null ? <span class="dim">{t.records.noSerial}</span> : <b>{row.serial}</b>}</td>
      <td><ResultTag outcome={row.result} code={row.display_code} /></td>
      <td class="record-reason">{row.reason}</td>
      <td class="right">{row.slot}</td>
      <td class="right">{row.attempt}</td>
      <td class="right">{duration(row.duration_s)}</td>
      <td class="mono" title={row.chip_id ?? undefined}>{row.chip_id === null ? '' : shortHex(row.chip_id)}</td>
      <td>{row.batch}</td>
      <td class="cut" title={row.image_id ?? undefined}>{row.image_release === 'emergency' && <Emergency row={row} />}{row.image_name}</td>
      <td><Link to={to} class="open">{t.records.open}</Link></td>
    </tr>
  );
}

function Table({ rows }: { rows: readonly RecordRow[] }): JSX.Element {
  return (
    <table class="rows records">
      <thead>
        <tr>
          <th>{t.records.finished}</th><th>{t.records.serialHead}</th><th>{t.records.result}</th><th>{t.records.reason}</th>
          <th class="right">{t.records.slot}</th><th class="right">{t.records.attempt}</th><th class="right">{t.records.time}</th>
          <th>{t.records.chip}</th><th>{t.records.batch}</th><th>{t.records.image}</th><th />
        </tr>
      </thead>
      <tbody>{rows.map((row) => <Row key={row.job} row={row} />)}</tbody>
    </table>
  );
}

function moveRow(room: HTMLElement, by: number): void {
  const all = [...room.querySelectorAll<HTMLElement>('tbody tr')];
  const at = all.findIndex((row) => row.contains(document.activeElement));
  all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
}

function useKeys(room: { readonly current: HTMLElement | null }, exportCsv: () => void): void {
  const latest = useRef(exportCsv);
  latest.current = exportCsv;
  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (typing || event.ctrlKey || event.metaKey || event.altKey || !room.current) return;
      if (event.key === '/') {
        event.preventDefault();
        document.querySelector<HTMLElement>('.filters input')?.focus();
      } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        moveRow(room.current, event.key === 'ArrowDown' ? 1 : -1);
      } else if (event.key === 'Enter' && event.target instanceof HTMLTableRowElement) {
        event.target.querySelector<HTMLElement>('a.open')?.click();
      } else if (event.key === 'e' || event.key === 'E') {
        latest.current();
      }
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);
}

export function RecordsPage(): JSX.Element {
  const filters = useMemo(() => filtersOf(place.value.query), [place.value]);
  const query = apiQuery(filters).toString();
  const [more, setMore] = useState<{ query: string; rows: RecordRow[]; cursor: string | null } | null>(null);
  const [moreProblem, setMoreProblem] = useState<unknown>(null);
  // A new verdict on the wall is a new row here.
  const verdicts = allTiles.value.filter(({ tile }) => tile.outcome !== null).map(({ tile }) => tile.job).join(',');
  const { data, problem, tookMs, reload } = useLoaded(
    (signal) => api.records(`${query}${query === '' ? '' : '&'}limit=${pageSize}`, signal), `${query} ${verdicts}`);
  const room = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = `${t.product} – ${t.nav.records}`;
  }, []);
  useKeys(room, () => location.assign(api.exportUrl('csv', query)));

  const further = more?.query === query ? more : null;
  const seen = new Set(data?.rows.map((row) => row.job));
  const rows = data ? [...data.rows, ...(further?.rows ?? []).filter((row) => !seen.has(row.job))] : [];
  const cursor = further ? further.cursor : data?.next_cursor ?? null;
  const showMore = async (): Promise<void> => {
    if (cursor === null) return;
    try {
      const answer = await api.records(`${query}${query === '' ? '' : '&'}limit=${pageSize}&cursor=${encodeURIComponent(cursor)}`);
      setMoreProblem(null);
      setMore({ query, rows: [...(further?.rows ?? []), ...answer.rows], cursor: answer.next_cursor });
    } catch (caught) {
      setMoreProblem(caught);
    }
  };
  const filtered = Object.keys(filters).length > 0;
  return (
    <main class="page records-page">
      <FilterPanel filters={filters} answer={data} />
      <section class="card records-card">
        <div class="card-head records-head">
          <h1>{t.records.title}</h1>
          <Chips filters={filters} />
          <span class="spring" />
          {data && data.total > 0 && (
            <>
              <span class="dim">{t.records.export(count(data.total))}</span>
              {(['csv', 'json', 'zip'] as const).map((format) => (
                <a key={format} class="button" href={api.exportUrl(format, query)} download data-export={format}>
                  <Icon name="download" />{t.records[format]}
                </a>
              ))}
            </>
          )}
        </div>
        {problem != null && <ProblemPanel problem={problem} reload={reload} />}
        {data && <Figures answer={data} tookMs={tookMs} />}
        <div class="table-room" ref={room}>
          {data && rows.length === 0 && <p class="card-note">{filtered ? t.records.none : t.records.noneYet}</p>}
          {!data && problem == null && <p class="card-note">{t.records.loading}</p>}
          {rows.length > 0 && <Table rows={rows} />}
          {cursor !== null && <p class="card-note"><button type="button" onClick={() => void showMore()}>{t.records.more}</button></p>}
          {moreProblem != null && <p class="card-note bad" role="alert">{sentenceOf(moreProblem).sentence}</p>}
        </div>
        <p class="records-foot">
          <span>{data && rows.length > 0 ? t.records.rows(count(rows.length), count(data.total)) : t.records.noRows}</span>
          <span class="spring" /><span class="dim">{t.records.keys}</span>
        </p>
      </section>
    </main>
  );
}
