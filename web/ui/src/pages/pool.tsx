// SPDX-License-Identifier: Apache-2.0
// What is left, what is in doubt, what was loaded.
import { Fragment, type JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import type { Batch, InDoubt, Pool, PoolPage, SerialCounts } from '../api/types';
import { may } from '../live/session';
import { now, station } from '../live/store';
import { AccountView } from '../parts/batch_account';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { ReasonForm } from '../parts/reason_form';
import { go, Link, place } from '../router';
import { t } from '../i18n';
import { count, iso, when } from '../i18n/format';

const inWork = (counts: SerialCounts): number => counts.reserved + counts.issued;

function paceOf(pool: Pool): string {
  if (pool.used_last_hour === 0) return t.pool.noPace;
  const minutes = Math.floor((pool.free * 60) / pool.used_last_hour);
  return t.pool.pace(t.pool.hours(Math.floor(minutes / 60), minutes % 60), count(pool.used_last_hour));
}

// From how many serials on the wall and this page warn.
function WarnAt({ pool, reload }: { pool: Pool; reload: () => void }): JSX.Element {
  const open = useSignal(false);
  const problem = useSignal<string | null>(null);
  const once = useOnce();
  const set = (form: HTMLFormElement): void => void once(async () => {
    try {
      problem.value = null;
      await api.warnPoolAt(pool.name, Number(new FormData(form).get('warn_at')));
      open.value = false;
      reload();
    } catch (error) {
      problem.value = sentenceOf(error).sentence;
    }
  });
  if (!open.value) {
    return <button type="button" class="plain" data-warn onClick={() => { open.value = true; }}>{pool.warn_at > 0 ? t.pool.warnsAt(count(pool.warn_at)) : t.pool.warnsNever}</button>;
  }
  return (
    <form class="warn-at" data-warn-form onSubmit={(event) => { event.preventDefault(); set(event.currentTarget); }}>
      <label>{t.pool.warnFrom} <input name="warn_at" type="number" min={0} max={100_000_000} step={1} required defaultValue={String(pool.warn_at)} /></label>
      <button type="submit">{t.pool.warnSet}</button>
      {problem.value !== null && <p class="bad" role="alert">{problem.value}</p>}
    </form>
  );
}

function Gauge({ pool, reload }: { pool: Pool; reload: () => void }): JSX.Element {
  const parts = [
    { key: 'units', word: t.pool.onUnits, n: pool.burned },
    { key: 'work', word: t.pool.inWork, n: inWork(pool) },
    { key: 'doubt', word: t.pool.inDoubt, n: pool.in_doubt },
    { key: 'voided', word: t.pool.voided, n: pool.voided },
    { key: 'aside', word: t.pool.setAside, n: pool.set_aside },
    { key: 'left', word: t.pool.leftShort, n: pool.free },
  ];
  const warn = pool.total > 0 ? 1 - Math.min(1, pool.warn_at / pool.total) : 1;
  return (
    <section class="card gauge" data-pool={pool.name} data-left={pool.free}>
      <div class="gauge-left">
        <p class={pool.free === 0 || pool.low ? 'gauge-figure low' : 'gauge-figure'}>
          <strong>{count(pool.free)}</strong> {t.pool.left}
        </p>
        <p class="gauge-pace">{pool.free === 0 ? t.pool.empty : paceOf(pool)}</p>
        <p class="dim">{pool.needed === null ? t.pool.noNeed : t.pool.needs(count(pool.needed), pool.needed <= pool.free)}</p>
        {may('manager') && <WarnAt pool={pool} reload={reload} />}
      </div>
      <div class="gauge-right">
        <div class="gauge-bar" aria-hidden="true">
          {parts.filter((part) => part.n > 0).map((part) => (
            <span key={part.key} class={`part-${part.key}`} style={{ flexGrow: String(part.n) }} />
          ))}
          {pool.warn_at > 0 && pool.warn_at < pool.total && (
            <span class={warn > 0.8 ? 'gauge-mark left' : 'gauge-mark'} style={{ left: `${warn * 100}%` }}>
              <span>{t.pool.warnAt(count(pool.warn_at))}</span>
            </span>
          )}
        </div>
        <ul class="gauge-legend">
          {parts.map((part) => (
            <li key={part.key}><span class={`swatch part-${part.key}`} aria-hidden="true" /> {part.word} <strong>{count(part.n)}</strong></li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function Doubt({ rows, reload }: { rows: readonly InDoubt[]; reload: () => void }): JSX.Element {
  return (
    <section class="card">
      <div class="card-head">
        <h2>{rows.length > 0 && <Icon name="warning" />} {rows.length === 0 ? t.pool.inDoubt : t.pool.doubt(rows.length)}</h2>
        <span class="dim">{t.pool.doubtRule}</span>
      </div>
      {rows.length === 0 ? <p class="card-note">{t.pool.noDoubt}</p> : (
        <div class="table-room short">
          <table class="rows tall">
            <thead>
              <tr><th>{t.pool.serial}</th><th>{t.pool.certain}</th><th>{t.pool.since}</th><th>{t.pool.lastSeen}</th><th>{t.pool.nextStep}</th><th>{t.pool.orElse}</th></tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.serial} data-doubt={row.serial}>
                  <td><Link to={`/units/${row.unit}`} class="strong">{row.serial}</Link></td>
                  <td><b>{row.certain}</b>{row.cause !== null && <small>{row.cause}</small>}</td>
                  <td title={iso(row.since)}>{when(row.since, now.peek())}</td>
                  <td>{t.pool.seen(row.slot, row.chip_id)}</td>
                  <td><b>{row.next_step}</b>{row.next_step_why !== null && <small>{row.next_step_why}</small>}</td>
                  <td>
                    {may('manager') && <ReasonForm name={`void-${row.serial}`} button={t.pool.giveUp} label={t.reason.why} sure={t.pool.giveUpSure} danger
                      act={(reason) => api.voidSerial(row.serial, reason)} done={reload} />}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

// The batch whose account is shown is in the address.
const accountAddress = (row: Batch, open: boolean): string =>
  `/pool?${new URLSearchParams({ pool: row.pool, ...(open ? {} : { batch: row.name }) }).toString()}`;

function BatchRow({ row, shown }: { row: Batch; shown: boolean }): JSX.Element {
  return (
    <tr data-batch={row.name} class={shown ? 'selected' : ''}>
      <td><b>{row.name}</b>{row.test_only && <span class="tag">{t.pool.testOnly}</span>}
        {row.state !== 'open' && <span class="tag" data-state={row.state}>{t.pool.ended[row.state]}</span>}
        {row.order !== null && <small>{t.pool.forOrder(row.order)}</small>}
        {row.end_reason !== null && <small>{t.pool.endedBy(row.ended_by, row.end_reason)}</small>}</td>
      <td class="right">{count(row.total)}</td><td class="right">{count(row.burned)}</td>
      <td class="right">{count(inWork(row))}</td><td class="right">{count(row.in_doubt)}</td>
      <td class="right">{count(row.voided)}</td><td class="right">{count(row.set_aside)}</td>
      <td class="right"><b>{count(row.free)}</b></td>
      <td title={iso(row.loaded_at)}>{t.pool.by(row.loaded_by, when(row.loaded_at, now.peek()))}</td>
      <td class="right">
        <button type="button" data-show={row.name} aria-expanded={shown} onClick={() => go(accountAddress(row, shown), 'replace')}>
          {shown ? t.account.hide : t.account.show}
        </button>
      </td>
    </tr>
  );
}

function Batches({ rows, reload }: { rows: readonly Batch[]; reload: () => void }): JSX.Element {
  const shown = place.value.query.get('batch');
  return (
    <section class="card">
      <div class="card-head"><h2>{t.pool.batchesIn}</h2></div>
      {rows.length === 0 ? <p class="card-note">{t.pool.noBatch}</p> : (
        <div class="table-room">
          <table class="rows">
            <thead>
              <tr>
                <th>{t.pool.batch}</th><th class="right">{t.pool.loaded}</th><th class="right">{t.pool.onUnits}</th>
                <th class="right">{t.pool.inWork}</th><th class="right">{t.pool.inDoubt}</th><th class="right">{t.pool.voided}</th>
                <th class="right">{t.pool.setAside}</th><th class="right">{t.pool.leftShort}</th><th>{t.pool.loadedBy}</th><th />
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Fragment key={row.id}>
                  <BatchRow row={row} shown={row.name === shown} />
                  {row.name === shown && <tr class="account-row"><td colSpan={10}><AccountView row={row} reload={reload} /></td></tr>}
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function chosenPool(page: PoolPage): Pool | null {
  const asked = place.value.query.get('pool') ?? station.peek()?.pool?.name ?? null;
  return page.pools.find((pool) => pool.name === asked) ?? page.pools[0] ?? null;
}

function Shown({ page, pool, reload }: { page: PoolPage; pool: Pool; reload: () => void }): JSX.Element {
  const batches = page.batches.filter((batch) => batch.pool === pool.name);
  const names = batches.map((batch) => batch.name);
  return (
    <>
      <div class="page-head">
        <h1>{t.pool.title(pool.name)}</h1>
        <p class="dim">{t.pool.loadedIn(count(pool.total), names.length <= 4 ? t.pool.batches([...names].reverse()) : t.pool.batchCount(names.length))}</p>
        <span class="spring" />
        {may('manager') && <Link to={`/pool/generate?pool=${encodeURIComponent(pool.name)}`} class="button">{t.pool.generate}</Link>}
        {may('manager') && <Link to={`/pool/load?pool=${encodeURIComponent(pool.name)}`} class="button main">{t.pool.load}</Link>}
      </div>
      {page.pools.length > 1 && (
        <nav class="tabs" aria-label={t.pool.pools}>
          {page.pools.map((one) => (
            <Link key={one.name} to={`/pool?pool=${encodeURIComponent(one.name)}`} current={one.name === pool.name}>
              {one.name} <small>{count(one.free)}</small>
            </Link>
          ))}
        </nav>
      )}
      <Gauge pool={pool} reload={reload} />
      <Doubt rows={page.in_doubt.filter((row) => row.pool === pool.name)} reload={reload} />
      <Batches rows={batches} reload={reload} />
    </>
  );
}

export function PoolPageView(): JSX.Element {
  // What is left changes with every lease: the station's own figure tells when to read again.
  const left = station.value?.pool?.left ?? '';
  const made = station.value?.order?.made ?? '';
  const { data, problem, reload } = useLoaded((signal) => api.pool(signal), `${left} ${made}`);
  useEffect(() => {
    document.title = `${t.product} – ${t.nav.pool}`;
  }, []);
  const pool = data ? chosenPool(data) : null;
  return (
    <main class="page">
      {problem != null && <ProblemPanel problem={problem} reload={reload} />}
      {!data && problem == null && <p class="dim">{t.pool.loading}</p>}
      {data && pool && <Shown page={data} pool={pool} reload={reload} />}
      {data && !pool && (
        <div class="empty-page">
          <h1>{t.pool.heading}</h1>
          <p>{t.pool.none}</p>
          <p class="form-end">
            <Link to="/pool/generate" class="button">{t.pool.generate}</Link>
            <Link to="/pool/load" class="button main">{t.pool.load}</Link>
          </p>
        </div>
      )}
    </main>
  );
}
