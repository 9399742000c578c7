// SPDX-License-Identifier: Apache-2.0
// One step of the port-mapping wizard: the slots so far and what the station sees; and the review before anything holds.
import type { JSX } from 'preact';
import type { Ports, PortUnit } from '../api/types_slots';
import { live, now } from '../live/store';
import { t } from '../i18n';
import { clock } from '../i18n/format';
import { Icon } from './icon';
import { look, placeOf, review, spare, type Draft, type Seen, type Socket } from './mapping';

function wordsOf(port: string, ports: Ports): string {
  const place = placeOf(port, [...ports.units.map((one) => one.port), ...ports.slots.map((one) => one.port)]);
  return place.hub === null ? t.ports.hostPort(place.number) : t.ports.hubPort(place.hub, place.number);
}

function SlotCard({ name, index, draft, ports, seen }: { name: string; index: number; draft: Draft; ports: Ports; seen: Seen }): JSX.Element {
  const socket = draft.found[name];
  const at = index === draft.at;
  const kind = at ? 'at' : index < draft.at ? 'done' : 'next';
  return (
    <div class={`map-slot map-${kind}`} data-map={name} data-kind={kind} aria-current={at ? 'step' : undefined}>
      <b>{name}</b>
      {kind === 'done' && socket != null && <Icon name="pass" />}
      {at && <Icon name="plug" />}
      <span>
        {at && (seen.kind === 'found' ? t.ports.seen(wordsOf(seen.unit.port, ports)) : t.ports.plugHere)}
        {kind === 'done' && (socket == null ? t.ports.skipped : wordsOf(socket.port, ports))}
        {kind === 'next' && t.ports.notYet}
      </span>
      {kind === 'done' && socket != null && <small>{socket.peer === null ? t.ports.usb2 : t.ports.paired}</small>}
    </div>
  );
}

function Check({ title, detail, mono }: { title: string; detail: string; mono?: boolean }): JSX.Element {
  return <li><Icon name="tick" /><span><strong>{title}</strong><small class={mono ? 'mono' : ''}>{detail}</small></span></li>;
}

function Warn({ title, detail }: { title: string; detail: string }): JSX.Element {
  return <li class="map-warn"><Icon name="warning" /><span><strong>{title}</strong><small>{detail}</small></span></li>;
}

function Sees({ seen, ports, others }: { seen: Seen; ports: Ports; others: readonly PortUnit[] }): JSX.Element {
  const list: JSX.Element[] = [];
  if (seen.kind === 'wait') list.push(<li key="wait" class="dim">{t.ports.wait}</li>);
  if (seen.kind === 'several') list.push(<Warn key="several" title={t.ports.several(seen.units.length)} detail={seen.units.map((one) => wordsOf(one.port, ports)).join(', ')} />);
  if (seen.kind === 'other') list.push(<Warn key="other" title={t.ports.notRecovery} detail={`${seen.unit.id}, ${wordsOf(seen.unit.port, ports)}`} />);
  if (seen.kind === 'taken') list.push(<Warn key="taken" title={t.ports.taken(wordsOf(seen.unit.port, ports), seen.slot)} detail={t.ports.takenHint} />);
  if (seen.kind === 'found') {
    const { unit } = seen;
    const steady = Math.max(0, Math.floor((now.value - unit.since) / 1000));
    list.push(
      <Check key="model" title={t.ports.recovery(unit.model ?? unit.id)} detail={t.ports.arrived(unit.id, clock(unit.since), steady)} />,
      <Check key="usb2" title={t.ports.half2(wordsOf(unit.port, ports))} detail={unit.port} mono />,
      unit.peer === null
        ? <Check key="usb3" title={t.ports.noHalf3} detail={t.ports.noHalf3Hint} />
        : <Check key="usb3" title={t.ports.half3} detail={unit.peer} mono />,
      <Check key="free" title={t.ports.free} detail={unit.slot === null ? t.ports.newPort : t.ports.wasSlot(unit.slot)} />,
    );
  }
  for (const one of others.slice(0, 3)) list.push(<Warn key={one.port} title={t.ports.spare} detail={t.ports.spareHint(wordsOf(one.port, ports))} />);
  return <ul class="map-sees" aria-live="polite">{list}</ul>;
}

export function MapStep({ draft, ports, back, skip, map }: {
  draft: Draft; ports: Ports; back: () => void; skip: () => void; map: (socket: Socket) => void;
}): JSX.Element {
  const name = draft.names[draft.at] ?? '';
  const seen = look(draft, ports.units);
  const columns = Math.min(draft.names.length, 8, Math.max(4, Math.ceil(Math.sqrt(draft.names.length))));
  const offline = live.value !== 'live';
  return (
    <>
      <p class="map-of">{t.ports.step(name, draft.at + 1, draft.names.length)}</p>
      <h2 class="map-head" data-seen={seen.kind}>{seen.kind === 'found' ? t.ports.foundHead(name, wordsOf(seen.unit.port, ports)) : t.ports.plugHead(name)}</h2>
      <p class="dim">{t.ports.any}</p>
      <div class="map-room">
        <section class="card">
          <div class="card-head"><h2>{t.ports.slots}</h2></div>
          <div class="map-grid" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
            {draft.names.map((one, i) => <SlotCard key={one} name={one} index={i} draft={draft} ports={ports} seen={seen} />)}
          </div>
        </section>
        <section class="card">
          <div class="card-head"><h2>{t.ports.sees}</h2></div>
          <Sees seen={seen} ports={ports} others={spare(draft, ports.units)} />
        </section>
      </div>
      <div class="button-row map-foot">
        <button type="button" data-back disabled={draft.at === 0 || offline} onClick={back}>{t.ports.back}</button>
        <button type="button" data-skip disabled={offline} onClick={skip}>{t.ports.skip}</button>
        <span class="spring" />
        <button type="button" class="main" data-do disabled={seen.kind !== 'found' || offline}
          onClick={() => { if (seen.kind === 'found') map({ port: seen.unit.port, peer: seen.unit.peer }); }}>
          {seen.kind === 'found' ? t.ports.mapTo(name, wordsOf(seen.unit.port, ports)) : t.ports.mapSlot(name)}
        </button>
      </div>
    </>
  );
}

export function Review({ draft, ports, back, save }: { draft: Draft; ports: Ports; back: () => void; save: () => void }): JSX.Element {
  const rows = review(draft, ports.slots);
  const socket = (port: string | null): string => (port === null ? '–' : `${wordsOf(port, ports)} · ${port}`);
  return (
    <section class="card">
      <div class="card-head"><h2>{t.ports.review}</h2><span class="dim">{t.ports.reviewCorner}</span></div>
      <div class="table-room">
        <table class="rows">
          <thead><tr><th>{t.numbers.slot}</th><th>{t.ports.was}</th><th>{t.ports.willBe}</th><th>{t.ports.difference}</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.slot} data-change={row.change}>
                <td><strong>{row.slot}</strong></td><td>{socket(row.was)}</td><td>{socket(row.now)}</td>
                <td>{row.change === 'same' ? <span class="dim">{t.ports.changes.same}</span> : <strong>{t.ports.changes[row.change]}</strong>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {ports.busy.length > 0 && <p class="card-note bad" role="status">{t.ports.busy(ports.busy.join(', '))}</p>}
      <div class="button-row map-foot">
        <button type="button" data-back onClick={back}>{t.ports.back}</button>
        <span class="spring" />
        <button type="button" class="main" data-save disabled={ports.busy.length > 0 || live.value !== 'live' || !rows.some((row) => row.now !== null)} onClick={save}>{t.ports.save}</button>
      </div>
    </section>
  );
}
