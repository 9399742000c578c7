// SPDX-License-Identifier: Apache-2.0
// Slot by slot: how often it failed, whether the fault is the slot's or the unit's, and whether it is closed, by whom and why.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client';
import type { SlotFault, SlotHealthRow } from '../api/types_slots';
import { may } from '../live/session';
import { allTiles, now, places, station } from '../live/store';
import { Closing } from '../parts/closing';
import { hubHealth, hubOf } from '../parts/hub_health';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { stretches, windowOf, type Stretch } from '../parts/numbers_model';
import { say } from '../parts/press';
import { ReasonForm } from '../parts/reason_form';
import { SureButton } from '../parts/sure_button';
import { go, Link, place } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';

const chosen = (): Stretch => stretches.find((one) => one === place.value.query.get('for')) ?? '24h';

function Stretches(): JSX.Element {
  return (
    <div class="filters">
      <div class="choice" role="group" aria-label={t.numbers.stretch}>
        {stretches.map((one) => (
          <button key={one} type="button" class={one === chosen() ? 'pressed' : ''} aria-pressed={one === chosen()} data-for={one}
            onClick={() => go(`/slots?for=${one}`, 'replace')}>{t.numbers.stretches[one]}</button>
        ))}
      </div>
    </div>
  );
}

export function faultSentence(one: SlotFault): string {
  if (one.follows === 'slot') return t.slots.slotFault(one.display_code, one.sentence, one.cases, one.all_cases, one.units, one.passed_elsewhere);
  if (one.follows === 'unit') return t.slots.unitFault(one.display_code, one.sentence, one.units, one.units_elsewhere);
  return t.slots.fault(one.display_code, one.sentence, one.cases, one.all_cases);
}

function Faults({ row }: { row: SlotHealthRow }): JSX.Element {
  if (row.faults.length === 0) return <span class="dim">{t.slots.noFault}</span>;
  return (
    <ul class="fault-list">
      {row.faults.slice(0, 4).map((one) => <li key={one.outcome + one.code} data-follows={one.follows ?? ''}>{faultSentence(one)}</li>)}
    </ul>
  );
}

function Reopen({ slot, reload }: { slot: string; reload: () => void }): JSX.Element | null {
  if (!may('technician')) return null;
  return (
    <ReasonForm name={`reopen-${slot}`} button={t.slots.reopen} sure={t.slots.reopenSure(slot)} label={t.reason.why}
      note={t.slots.reopenNote} act={(reason) => api.reopenSlot(slot, reason)} done={reload} />
  );
}

function ClosedSlots({ rows, reload }: { rows: readonly SlotHealthRow[]; reload: () => void }): JSX.Element {
  return (
    <section class="card" data-card="closed">
      <div class="card-head"><h2>{t.slots.closed}</h2></div>
      {rows.length === 0 && <p class="card-note">{t.slots.noneClosed}</p>}
      {rows.map((row) => (
        <div key={row.slot} class="closed-slot" data-closed={row.slot}>
          <b class="slot-number">{row.slot}</b>
          <div>
            {row.closed !== null && <p><Closing one={row.closed} now={now.peek()} /></p>}
            <Faults row={row} />
          </div>
          <Reopen slot={row.slot} reload={reload} />
        </div>
      ))}
    </section>
  );
}

// Only where the slot has a switch of its own.
function Power({ slot }: { slot: string }): JSX.Element | null {
  if (!may('technician') || !allTiles.value.some(({ tile }) => tile.slot === slot && tile.power_switch)) return null;
  return (
    <SureButton name={`power-${slot}`} text={t.slots.power} sure={t.slots.powerSure(slot)} busy={t.slots.powerBusy}
      act={async () => { await api.cyclePower(slot); say(t.slots.powerDone(slot), false); }} />
  );
}

function Row({ row, reload }: { row: SlotHealthRow; reload: () => void }): JSX.Element {
  const before = row.closings.filter((one) => one.reopened_at !== null);
  return (
    <tr data-slot-row={row.slot} class={row.beyond_chance ? 'beyond' : ''}>
      <td><strong>{row.slot}</strong></td>
      <td class="right">{count(row.attempts)}</td>
      <td class="right">{count(row.failed)}</td>
      <td class="right">{count(row.problems)}</td>
      <td>
        <Faults row={row} />
        {before.length > 0 && (
          <details>
            <summary>{t.slots.earlier}: {before.length}</summary>
            {before.map((one) => <p key={one.at}><Closing one={one} now={now.peek()} /></p>)}
          </details>
        )}
      </td>
      <td>{row.closed === null ? t.slots.open : <span class="tag">{t.slots.isClosed}</span>}</td>
      <td>
        <div class="slot-buttons">
          {row.closed === null && may('technician') && (
            <ReasonForm name={`close-${row.slot}`} button={t.slots.close} sure={t.slots.closeSure(row.slot)} label={t.reason.why}
              note={t.slots.closeNote} act={(reason) => api.closeSlot(row.slot, reason)} done={reload} />
          )}
          <Power slot={row.slot} />
        </div>
      </td>
    </tr>
  );
}

function Hubs({ rows }: { rows: readonly SlotHealthRow[] }): JSX.Element | null {
  const tiles = allTiles.value.map(({ tile }) => tile).filter((tile) => tile.mapped);
  const ports = tiles.map((tile) => tile.port);
  const hubs = hubHealth(rows, (slot) => hubOf(slot, tiles.find((tile) => tile.slot === slot)?.port, ports, places.value, t.slots.hubName));
  if (hubs.length === 0) return null;
  return (
    <section class="card" data-card="hubs">
      <div class="card-head"><h2>{t.slots.hubs}</h2><span class="dim">{t.slots.hubsCorner}</span></div>
      <div class="table-room">
        <table class="rows">
          <thead><tr><th>{t.slots.hub}</th><th>{t.slots.slotsCol}</th><th class="right">{t.numbers.attempts}</th><th class="right">{t.numbers.failedCol}</th><th class="right">{t.numbers.problemsCol}</th><th>{t.numbers.chance}</th></tr></thead>
          <tbody>
            {hubs.map((one) => (
              <tr key={one.hub} data-hub-row={one.hub} class={one.beyond ? 'beyond' : ''}>
                <td><strong>{one.hub}</strong></td><td>{one.slots.join(', ')}</td>
                <td class="right">{count(one.attempts)}</td><td class="right">{count(one.failed)}</td><td class="right">{count(one.problems)}</td>
                <td>{one.beyond ? t.numbers.beyond : t.numbers.within}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function SlotsPage(): JSX.Element {
  // A verdict, a closing, another hour: the list is read again.
  const { since, until } = windowOf(chosen(), now.value);
  const verdicts = station.value === null ? '' : JSON.stringify(station.value.counts);
  const closed = allTiles.value.filter(({ tile }) => tile.state === 'closed').map(({ tile }) => tile.slot).join(' ');
  const { data, problem, reload } = useLoaded((signal) => api.slots(since, until, signal), `${since} ${verdicts} ${closed}`);
  useEffect(() => { document.title = `${t.product} – ${t.slots.title}`; }, []);
  return (
    <main class="page slots-page">
      <div class="page-head"><h1>{t.slots.title}</h1><span class="spring" />{may('technician') && <><Link to="/ports">{t.ports.title}</Link><Link to="/layout">{t.layout.title}</Link></>}<Link to="/stickers">{t.stickers.title}</Link><Stretches /></div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && (
        <>
          <ClosedSlots rows={data.slots.filter((one) => one.closed !== null)} reload={reload} />
          <section class="card">
            <div class="card-head"><h2>{t.slots.all}</h2><span class="dim">{t.slots.corner}</span></div>
            <div class="table-room">
              <table class="rows tall">
                <thead><tr><th>{t.numbers.slot}</th><th class="right">{t.numbers.attempts}</th><th class="right">{t.numbers.failedCol}</th><th class="right">{t.numbers.problemsCol}</th><th>{t.slots.faults}</th><th>{t.slots.state}</th><th /></tr></thead>
                <tbody>{data.slots.map((row) => <Row key={row.slot} row={row} reload={reload} />)}</tbody>
              </table>
            </div>
          </section>
          <Hubs rows={data.slots} />
        </>
      )}
    </main>
  );
}
