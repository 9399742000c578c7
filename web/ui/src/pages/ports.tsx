// SPDX-License-Identifier: Apache-2.0
// The port-mapping wizard: one unit is plugged into each numbered slot in turn, and the station says which port that is. Nothing is
// written to a unit and nothing starts meanwhile; nothing holds until it is saved.
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import type { Ports } from '../api/types_slots';
import { may, session } from '../live/session';
import { allTiles, live, station } from '../live/store';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { back, begin, namesOf, step, wanted, type Draft, type Socket } from '../parts/mapping';
import { MapStep, Review } from '../parts/mapping_steps';
import { useOnce } from '../parts/once';
import { Link } from '../router';
import { t } from '../i18n';

const kept = 'lineside.ports';

function stored(): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(kept) ?? 'null') as Draft | null;
  } catch {
    return null;
  }
}
function store(draft: Draft | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(kept);
    else sessionStorage.setItem(kept, JSON.stringify(draft));
  } catch {
    // Without storage a reload begins anew.
  }
}

function Now({ ports, start, reset }: { ports: Ports; start: (names: string[]) => void; reset: () => void }): JSX.Element {
  const names = useSignal(ports.slots.map((one) => one.slot).join(' '));
  const good = namesOf(names.value);
  return (
    <>
      <section class="card card-form">
        <p>{t.ports.intro}</p>
        <form onSubmit={(event) => { event.preventDefault(); if (good !== null) start(good); }}>
          <label class="field">{t.ports.names}
            <input type="text" name="names" value={names.value} autocomplete="off" spellcheck={false} aria-describedby="names-said"
              onInput={(event) => { names.value = event.currentTarget.value; }} />
          </label>
          <p id="names-said" class={good === null ? 'bad' : 'dim'}>{good === null ? t.ports.namesBad : t.ports.namesGood(good.length)}</p>
          <div class="button-row">
            <button type="submit" class="main" data-start disabled={good === null || live.value !== 'live'}>{t.ports.start}</button>
            {ports.from === 'page' && <button type="button" data-reset disabled={live.value !== 'live'} onClick={reset}>{t.ports.reset}</button>}
          </div>
        </form>
      </section>
      <section class="card">
        <div class="card-head"><h2>{t.ports.now}</h2><span class="dim">{ports.from === 'page' ? t.ports.fromPage : t.ports.fromFile}</span></div>
        <div class="table-room">
          <table class="rows">
            <thead><tr><th>{t.numbers.slot}</th><th>{t.ports.port}</th><th>{t.ports.peer}</th></tr></thead>
            <tbody>{ports.slots.map((one) => <tr key={one.slot} data-mapped={one.slot}><td><strong>{one.slot}</strong></td><td class="mono">{one.port}</td><td class="mono">{one.peer ?? t.ports.noPeer}</td></tr>)}</tbody>
          </table>
        </div>
      </section>
    </>
  );
}

export function PortsPage(): JSX.Element {
  // What is plugged in shows at a tile, also at a port without a slot: the list is read again with each.
  const plugged = allTiles.value.map(({ tile }) => `${tile.port}${tile.present ? '+' : '-'}${tile.since}${tile.state}`).join(' ');
  const { data, problem, reload } = useLoaded((signal) => api.ports(signal), `${plugged} ${station.value?.reason ?? ''}`);
  const draft = useSignal<Draft | null>(stored());
  const said = useSignal<{ text: string; bad: boolean } | null>(null);
  const once = useOnce();
  useEffect(() => { document.title = `${t.product} – ${t.ports.title}`; }, []);
  const change = (next: Draft | null): void => { draft.value = next; store(next); };
  const doing = (work: () => Promise<void>): void => void once(async () => {
    said.value = null;
    try {
      await work();
    } catch (error) {
      const { sentence, hint } = sentenceOf(error);
      said.value = { text: [sentence, hint].filter((part) => part !== null).join(' '), bad: true };
    }
    reload();
  });
  const goOn = (next: Draft): void => doing(async () => { await api.mapPorts(true); change(next); });
  const me = session.value?.name ?? 'page';
  const mine = data?.mapping?.by === me;
  const now = draft.value;

  let body: JSX.Element | null = null;
  if (data !== null && !may('technician')) {
    body = null;
  } else if (data?.mapping && !mine) {
    body = <p class="card card-note" role="status">{t.ports.other(data.mapping.by)}</p>;
  } else if (data !== null && mine && now !== null && now.at < now.names.length) {
    const units = data.units;
    body = (
      <MapStep draft={now} ports={data} back={() => goOn(back(now, units))} skip={() => goOn(step(now, null, units))}
        map={(socket: Socket) => goOn(step(now, socket, units))} />
    );
  } else if (data !== null && mine && now !== null) {
    body = (
      <Review draft={now} ports={data} back={() => goOn(back(now, data.units))}
        save={() => doing(async () => {
          await api.savePorts(wanted(now));
          change(null);
          said.value = { text: t.ports.saved, bad: false };
        })} />
    );
  } else if (data !== null) {
    body = (
      <Now key={data.slots.length} ports={data}
        start={(names) => doing(async () => change(begin(names, (await api.mapPorts(true)).units)))}
        reset={() => doing(async () => {
          await api.mapPorts(true);
          await api.savePorts([]);
          said.value = { text: t.ports.isReset, bad: false };
        })} />
    );
  }
  return (
    <main class="page ports-page">
      <div class="page-head">
        <h1>{t.ports.title}</h1><span class="spring" />
        {data?.mapping == null && <Link to="/stickers">{t.stickers.title}</Link>}
        {mine && <button type="button" data-cancel onClick={() => doing(async () => { await api.mapPorts(false); change(null); })}>{t.reason.cancel}</button>}
      </div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {said.value !== null && <p class={said.value.bad ? 'card card-note bad' : 'card card-note'} role="status" data-said>{said.value.text}</p>}
      {body}
    </main>
  );
}
