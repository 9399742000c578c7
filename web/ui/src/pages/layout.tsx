// SPDX-License-Identifier: Apache-2.0
// The technician puts the tiles where the sockets are: by dragging, by choosing a slot and then a cell, or by the arrow keys.
// Nothing is changed on the walls until it is saved.
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import type { SlotPlace } from '../api/types_slots';
import { may } from '../live/session';
import { allTiles, live, places as shownPlaces } from '../live/store';
import { layoutFor } from '../parts/layout';
import { mostLines, movedTo, startingPlaces, withHub, type Cell } from '../parts/jig';
import { useOnce } from '../parts/once';
import { TypedInput } from '../parts/typed_input';
import { t } from '../i18n';

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};
const sizeOf = (all: readonly SlotPlace[]): { lines: number; columns: number } => ({
  lines: Math.max(1, ...all.map((one) => one.line + 1)), columns: Math.max(1, ...all.map((one) => one.place + 1)),
});
const hubColours = 6;

interface Draft { places: readonly SlotPlace[]; lines: number; columns: number }

function Tools({ draft, chosen, change }: { draft: Draft; chosen: ReadonlySet<string>; change: (next: Partial<Draft>) => void }): JSX.Element {
  const hubs = [...new Set(draft.places.map((one) => one.hub))].filter((hub) => hub !== '');
  const least = sizeOf(draft.places);
  const name = [...chosen].join(', ');
  const hub = draft.places.find((one) => chosen.has(one.slot))?.hub ?? '';
  const number = (label: string, key: 'lines' | 'columns'): JSX.Element => (
    <label class="field">{label}
      <TypedInput type="number" name={key} min={least[key]} max={mostLines} value={String(draft[key])}
        change={(typed) => {
          const wanted = Math.trunc(Number(typed));
          change({ [key]: Math.min(mostLines, Math.max(least[key], Number.isFinite(wanted) ? wanted : least[key])) });
        }} />
    </label>
  );
  return (
    <div class="field-row">
      {number(t.layout.lines, 'lines')}
      {number(t.layout.columns, 'columns')}
      <label class="field">{chosen.size === 0 ? t.layout.hubNone : t.layout.hubOf(name)}
        <input type="text" name="hub" maxLength={24} list="hubs" disabled={chosen.size === 0} value={hub} autocomplete="off"
          onInput={(event) => change({ places: withHub(draft.places, chosen, event.currentTarget.value.trimStart()) })} />
      </label>
      <datalist id="hubs">{hubs.map((one) => <option key={one} value={one} />)}</datalist>
    </div>
  );
}

export function LayoutPage(): JSX.Element {
  const slots = allTiles.value.filter(({ tile }) => tile.mapped).map(({ tile }) => tile.slot);
  const ready = slots.length > 0;
  const draft = useSignal<Draft | null>(null);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const spoken = useSignal('');
  const answer = useSignal<{ text: string; bad: boolean } | null>(null);
  const grid = useRef<HTMLDivElement>(null);
  const moved = useRef<string | null>(null);
  const once = useOnce();
  useEffect(() => { document.title = `${t.product} – ${t.layout.title}`; }, []);
  // A tile that a key moved keeps the focus: with the drawing itself, since a frame later somebody may be elsewhere.
  useLayoutEffect(() => {
    if (moved.current !== null) grid.current?.querySelector<HTMLElement>(`[data-place="${CSS.escape(moved.current)}"]`)?.focus();
    moved.current = null;
  });
  const reset = (): void => {
    const all = startingPlaces(slots, shownPlaces.peek(), layoutFor(slots.length, 1920, 1080).columns);
    draft.value = { places: all, ...sizeOf(all) };
  };
  useEffect(() => { if (ready && draft.peek() === null) reset(); }, [ready]);
  const now = draft.value;
  if (now === null) return <main class="page"><h1>{t.layout.title}</h1><p>{live.value === 'live' ? t.wall.noSlots : t.wall.starting}</p></main>;

  const change = (next: Partial<Draft>): void => { draft.value = { ...now, ...next }; answer.value = null; };
  const move = (slot: string, to: Cell): void => {
    if (to.line < 0 || to.place < 0 || to.line >= mostLines || to.place >= mostLines) return;
    change({ places: movedTo(now.places, slot, to), lines: Math.max(now.lines, to.line + 1), columns: Math.max(now.columns, to.place + 1) });
    spoken.value = t.layout.at(slot, to.line + 1, to.place + 1);
  };
  const choose = (slot: string, more: boolean): void => {
    const next = new Set(more ? chosen.value : []);
    if (chosen.value.has(slot)) next.delete(slot); else next.add(slot);
    chosen.value = next;
  };
  const key = (event: KeyboardEvent, one: SlotPlace): void => {
    const by = arrows[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move(one.slot, { line: one.line + by[0], place: one.place + by[1] });
    moved.current = one.slot;
  };
  const save = (places: readonly SlotPlace[]): void => void once(async () => {
    try {
      await api.saveLayout(places);
      answer.value = { text: places.length === 0 ? t.layout.isDefault : t.layout.saved, bad: false };
      if (places.length === 0) draft.value = null;
    } catch (problem) {
      answer.value = { text: sentenceOf(problem).sentence, bad: true };
    }
    if (places.length === 0 && draft.value === null) {
      const all = startingPlaces(slots, [], layoutFor(slots.length, 1920, 1080).columns);
      draft.value = { places: all, ...sizeOf(all) };
    }
  });
  const hubs = [...new Set(now.places.map((one) => one.hub))].filter((hub) => hub !== '');
  const by = new Map(now.places.map((one) => [`${one.line}.${one.place}`, one]));
  const cells = Array.from({ length: now.lines * now.columns }, (_, i) => ({ line: Math.floor(i / now.columns), place: i % now.columns }));
  const mine = may('technician');
  return (
    <main class="page layout-page">
      <div class="page-head"><h1>{t.layout.title}</h1></div>
      <p class="dim">{t.layout.how}</p>
      <section class="card card-form">
        <Tools draft={now} chosen={chosen.value} change={change} />
        <div ref={grid} class="jig" role="group" aria-label={t.layout.title} style={{ gridTemplateColumns: `repeat(${now.columns}, minmax(64px, 1fr))` }}>
          {cells.map((cell) => {
            const one = by.get(`${cell.line}.${cell.place}`);
            const drop = {
              onDragOver: (event: DragEvent) => event.preventDefault(),
              onDrop: (event: DragEvent) => {
                event.preventDefault();
                const slot = event.dataTransfer?.getData('text/plain') ?? '';
                if (now.places.some((each) => each.slot === slot)) move(slot, cell);
              },
            };
            if (one === undefined) {
              const only = chosen.value.size === 1 ? [...chosen.value][0] : undefined;
              return (
                <button key={`${cell.line}.${cell.place}`} type="button" class="jig-gap" {...drop} disabled={only === undefined || !mine}
                  aria-label={t.layout.gap(cell.line + 1, cell.place + 1)} data-cell={`${cell.line}.${cell.place}`}
                  onClick={() => { if (only !== undefined) move(only, cell); }} />
              );
            }
            const colour = one.hub === '' ? '' : ` hub-${hubs.indexOf(one.hub) % hubColours}`;
            return (
              <button key={one.slot} type="button" class={`jig-slot${colour}`} data-place={one.slot} data-cell={`${cell.line}.${cell.place}`} {...drop}
                draggable={mine} aria-pressed={chosen.value.has(one.slot)} disabled={!mine}
                onDragStart={(event) => event.dataTransfer?.setData('text/plain', one.slot)}
                onClick={(event) => choose(one.slot, event.shiftKey || event.ctrlKey || event.metaKey)} onKeyDown={(event) => key(event, one)}>
                <b>{one.slot}</b>{one.hub !== '' && <small>{one.hub}</small>}
              </button>
            );
          })}
        </div>
        <div class="visually-hidden" aria-live="polite">{spoken.value}</div>
        {mine && (
          <div class="button-row">
            <button type="button" class="main" data-save disabled={live.value !== 'live'} onClick={() => save(now.places)}>{t.layout.save}</button>
            <button type="button" onClick={() => { chosen.value = new Set(); reset(); }}>{t.layout.undo}</button>
            <button type="button" data-default disabled={live.value !== 'live'} onClick={() => save([])}>{t.layout.default}</button>
          </div>
        )}
        {answer.value !== null && <p class={answer.value.bad ? 'bad' : 'good'} role="status" data-answer>{answer.value.text}</p>}
      </section>
    </main>
  );
}
