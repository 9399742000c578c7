// SPDX-License-Identifier: Apache-2.0
// One sheet for the next shift: what was made, what failed, what is left, which slots are closed or to be looked at, what is still on the wall, and a
// person's notes. Made to be printed; nothing of it is kept.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client';
import type { Numbers, RecordsAnswer } from '../api/types';
import { allTiles, station } from '../live/store';
import { Closing } from '../parts/closing';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { Codes, Sums } from '../parts/sums';
import { shiftWord } from '../parts/shift_word';
import { spokenTile } from '../parts/tile_text';
import { TypedInput } from '../parts/typed_input';
import { t } from '../i18n';
import { count, date, when } from '../i18n/format';

const shiftMs = 8 * 3_600_000;
const mostRows = 20;

// "2026-11-28T14:00", as the field wants it: local time.
function localText(ms: number): string {
  const pad = (n: number): string => String(n).padStart(2, '0');
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

function Failed({ records, until }: { records: RecordsAnswer; until: number }): JSX.Element {
  return (
    <section class="card" data-sheet="failed">
      <div class="card-head"><h2>{t.handover.failed}</h2></div>
      {records.rows.length === 0 && <p class="card-note">{t.handover.noFailed}</p>}
      {records.rows.length > 0 && (
        <table>
          <thead><tr><th>{t.records.finished}</th><th>{t.records.slot}</th><th>{t.records.serialHead}</th><th>{t.records.code}</th><th>{t.records.reason}</th></tr></thead>
          <tbody>
            {records.rows.map((row) => (
              <tr key={row.job}><td>{when(row.ended_ms, until)}</td><td>{row.slot}</td><td>{row.serial ?? t.records.noSerial}</td><td>{row.display_code}</td><td>{row.reason}</td></tr>
            ))}
          </tbody>
        </table>
      )}
      {records.total > records.rows.length && <p class="card-note">{t.load.more(count(records.total - records.rows.length))}</p>}
    </section>
  );
}

function Slots({ numbers }: { numbers: Numbers }): JSX.Element {
  const ill = numbers.slots.filter((one) => one.beyond_chance);
  return (
    <section class="card" data-sheet="slots">
      <div class="card-head"><h2>{t.handover.slots}</h2></div>
      {ill.length === 0 && <p class="card-note">{t.handover.noSlots}</p>}
      {ill.map((one) => <p class="card-note" key={one.slot}><b>{t.wall.slot(one.slot)}</b>: {count(one.failed + one.problems)} {t.numbers.ofTries(count(one.attempts))}</p>)}
    </section>
  );
}

// As they are now, whatever the time the sheet is about.
function ClosedSlots(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.slots(Date.now() - shiftMs, Date.now(), signal), 'closed');
  const closed = data?.slots.filter((one) => one.closed !== null) ?? [];
  return (
    <section class="card" data-sheet="closed">
      <div class="card-head"><h2>{t.slots.closed}</h2></div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && closed.length === 0 && <p class="card-note">{t.slots.noneClosed}</p>}
      {closed.map((one) => one.closed !== null && <p class="card-note" key={one.slot} data-closed={one.slot}><b>{t.wall.slot(one.slot)}</b>: <Closing one={one.closed} /></p>)}
    </section>
  );
}

function Pools(): JSX.Element {
  const { data } = useLoaded((signal) => api.pool(signal), 'pool');
  return (
    <section class="card" data-sheet="pools">
      <div class="card-head"><h2>{t.handover.pools}</h2></div>
      {data?.pools.map((pool) => (
        <p class="card-note" key={pool.name}>{t.handover.left(pool.name, count(pool.free))}{pool.in_doubt > 0 && `, ${t.handover.doubt(count(pool.in_doubt))}`}</p>
      ))}
    </section>
  );
}

function OnTheWall(): JSX.Element {
  const waiting = allTiles.value.filter(({ tile }) => tile.present || tile.outcome !== null);
  return (
    <section class="card" data-sheet="wall">
      <div class="card-head"><h2>{t.handover.open}</h2></div>
      {waiting.length === 0 && <p class="card-note">{t.handover.noOpen}</p>}
      {waiting.map((shown) => <p class="card-note" key={shown.tile.slot}>{spokenTile(shown.tile)}</p>)}
    </section>
  );
}

export function HandoverPage(): JSX.Element {
  const until = useSignal(Date.now());
  const since = useSignal(until.peek() - shiftMs);
  useEffect(() => { document.title = `${t.product} – ${t.handover.title}`; }, []);
  const span = `${since.value} ${until.value}`;
  const { data, problem, reload } = useLoaded((signal) => api.numbers({ since: since.value, until: until.value }, signal), span);
  const failed = useLoaded((signal) => api.records(new URLSearchParams({
    since: String(since.value), until: String(until.value), result: 'FAIL', limit: String(mostRows),
  }).toString(), signal), span);
  const { data: shifts } = useLoaded((signal) => api.shifts(signal), 'shifts');
  const take = (at: string): void => {
    const one = shifts?.recent.find((each) => String(each.since) === at);
    if (one === undefined) return;
    since.value = one.since;
    until.value = Math.min(one.until, Date.now());
  };
  const field = (name: string, label: string, at: typeof since): JSX.Element => (
    <label>{label} <TypedInput type="datetime-local" name={name} value={localText(at.value)}
      change={(typed) => { const ms = new Date(typed).getTime(); if (Number.isFinite(ms)) at.value = ms; }} /></label>
  );
  return (
    <main class="page handover">
      <div class="page-head">
        <h1>{t.handover.title}</h1>
        <p class="handover-of">{station.value?.name} · {date(until.value)}</p>
        <span class="spring" />
        {shifts !== null && shifts.recent.length > 0 && (
          <select class="handover-shift" aria-label={t.shifts.shift} value={shifts.recent.some((one) => one.since === since.value) ? String(since.value) : ''} onChange={(event) => take(event.currentTarget.value)}>
            <option value="">{t.shifts.shift} …</option>
            {shifts.recent.map((one) => <option key={one.since} value={String(one.since)}>{`${shiftWord(one.shift)}, ${date(one.since)}`}</option>)}
          </select>
        )}
        {field('since', t.handover.from, since)}
        {field('until', t.handover.to, until)}
        <button type="button" class="main" data-print onClick={() => window.print()}>{t.handover.print}</button>
      </div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && <Sums numbers={data} />}
      <div class="handover-sheet">
        {data !== null && <Codes numbers={data} />}
        {failed.data !== null && <Failed records={failed.data} until={until.value} />}
        {data !== null && <Slots numbers={data} />}
        <ClosedSlots />
        <Pools />
        <OnTheWall />
        <section class="card" data-sheet="notes">
          <div class="card-head"><h2><label for="notes">{t.handover.notes}</label></h2><span class="dim">{t.handover.notesHint}</span></div>
          <textarea id="notes" rows={6} maxLength={4000} />
        </section>
      </div>
      <p class="handover-signs"><span>{t.handover.by}</span><span>{t.handover.taken}</span></p>
    </main>
  );
}
