// SPDX-License-Identifier: Apache-2.0
// Units per hour, first-pass yield, why units failed, where the time goes, which slot is ill. One sentence says what the
// figures carry, and none where they carry nothing.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client';
import type { Numbers, Shifts } from '../api/types';
import { now, slots as wallSlots, station } from '../live/store';
import { AsTable, Card } from '../parts/chart';
import { MadeChart, StepsChart, YieldChart } from '../parts/charts';
import { shortKey } from '../parts/image_releases';
import { layoutFor } from '../parts/layout';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { barsOf, stretches, windowOf, type Stretch } from '../parts/numbers_model';
import { shiftWord } from '../parts/shift_word';
import { Codes, Sums } from '../parts/sums';
import { go, Link, place } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';

interface Chosen { stretch: Stretch; order: string; image: string; shift: string }
const others = ['order', 'image', 'shift'] as const;

function chosen(): Chosen {
  const query = place.value.query;
  return {
    stretch: stretches.find((one) => one === query.get('for')) ?? '8h',
    order: query.get('order') ?? '', image: query.get('image') ?? '', shift: query.get('shift') ?? '',
  };
}
function choose(change: Partial<Chosen>): void {
  const next = { ...chosen(), ...change };
  const query = new URLSearchParams({ for: next.stretch });
  for (const name of others) if (next[name] !== '') query.set(name, next[name]);
  go(`/numbers?${query.toString()}`, 'replace');
}

function Select({ name, label, all, list }: { name: (typeof others)[number]; label: string; all: string; list: readonly { value: string; text: string }[] }): JSX.Element {
  return (
    <select aria-label={label} data-by={name} value={chosen()[name]} onChange={(event) => choose({ [name]: event.currentTarget.value })}>
      <option value="">{all}</option>
      {list.map((one) => <option key={one.value} value={one.value}>{one.text}</option>)}
    </select>
  );
}

function Filters({ shifts }: { shifts: Shifts | null }): JSX.Element {
  const { stretch } = chosen();
  const { data } = useLoaded((signal) => api.orders(signal), 'orders');
  const { data: images } = useLoaded((signal) => api.images(signal), 'images');
  const word = (one: Stretch): string => {
    const shift = one === 'shift' ? shifts?.recent[0] : one === 'last' ? shifts?.recent[1] : undefined;
    return shift === undefined ? t.numbers.stretches[one] : `${t.numbers.stretches[one]} (${shiftWord(shift.shift)})`;
  };
  return (
    <div class="filters">
      <div class="choice" role="group" aria-label={t.numbers.stretch}>
        {stretches.map((one) => (
          <button key={one} type="button" class={one === stretch ? 'pressed' : ''} aria-pressed={one === stretch} data-for={one} onClick={() => choose({ stretch: one })}>{word(one)}</button>
        ))}
      </div>
      <Select name="shift" label={t.shifts.shift} all={t.shifts.all} list={(shifts?.shifts ?? []).map((one) => ({ value: one.name, text: shiftWord(one.name) }))} />
      <Select name="order" label={t.numbers.order} all={t.numbers.allOrders} list={(data?.orders ?? []).map((one) => ({ value: one.name, text: one.name }))} />
      <Select name="image" label={t.orders.image} all={t.numbers.allImages} list={(images?.images ?? []).map((one) => ({ value: one.id, text: `${one.name} ${shortKey(one.id)}` }))} />
    </div>
  );
}

function Health({ numbers }: { numbers: Numbers }): JSX.Element {
  const by = new Map(numbers.slots.map((one) => [one.slot, one]));
  const names = wallSlots.value.length > 0 ? wallSlots.value : numbers.slots.map((one) => one.slot);
  const { columns } = layoutFor(names.length, 1920, 1080);
  const most = Math.max(1, ...numbers.slots.map((one) => one.failed + one.problems));
  const told = numbers.codes.flatMap((one) => {
    const { follows } = one;
    if (follows === null) return [];
    return [follows.what === 'slot'
      ? t.numbers.followsSlot(one.display_code, follows.slot, follows.cases, one.cases, follows.units, follows.passed_elsewhere)
      : t.numbers.followsUnit(one.display_code, follows.units, follows.slots)];
  });
  return (
    <Card name="health" title={t.numbers.health} corner={t.numbers.healthCorner}>
      <div class="health" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
        {names.map((slot) => {
          const one = by.get(slot);
          const hits = one ? one.failed + one.problems : 0;
          const shade = hits === 0 ? 0 : hits > most / 2 ? 2 : 1;
          return (
            <div key={slot} class={`health-slot shade-${shade}${one?.beyond_chance ? ' beyond' : ''}`} data-slot-health={slot} data-beyond={one?.beyond_chance ?? false}>
              <b>{slot}</b><span class="right">{hits}</span><small>{t.numbers.ofTries(count(one?.attempts ?? 0))}</small>
            </div>
          );
        })}
      </div>
      {told.map((sentence) => <p key={sentence} class="chart-sentence">{sentence}</p>)}
      <AsTable head={[t.numbers.slot, t.numbers.attempts, t.numbers.failedCol, t.numbers.problemsCol, t.numbers.chance]}
        rows={numbers.slots.map((one) => [one.slot, count(one.attempts), count(one.failed), count(one.problems), one.beyond_chance ? t.numbers.beyond : t.numbers.within])} />
    </Card>
  );
}

export function NumbersPage(): JSX.Element {
  const { stretch, order, image, shift } = chosen();
  const shifts = useLoaded((signal) => api.shifts(signal), String(Math.floor(now.value / 60_000)));
  // A verdict, or another hour, and the figures are read again.
  const verdicts = station.value === null ? '' : JSON.stringify(station.value.counts) + String(station.value.order?.made ?? '');
  const { since, until } = windowOf(stretch, now.value, shifts.data?.recent);
  const { data, problem, reload } = useLoaded((signal) => api.numbers({ since, until, order, image, shift }, signal), [since, until, order, image, shift, verdicts].join(' '));
  useEffect(() => { document.title = `${t.product} – ${t.nav.numbers}`; }, []);
  const days = stretch === '7d';
  const bars = data === null ? [] : barsOf(data.hours, days);
  return (
    <main class="page numbers">
      <div class="page-head"><h1>{t.nav.numbers}</h1><span class="spring" /><Link to="/handover">{t.handover.title}</Link><Filters shifts={shifts.data} /></div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && <Sums numbers={data} />}
      {data !== null && data.sums.attempts === 0 && <p class="card card-note">{t.numbers.none}</p>}
      {data !== null && data.sums.attempts > 0 && (
        <>
          <div class="chart-row three">
            <MadeChart bars={bars} days={days} nowMs={now.peek()} />
            <YieldChart bars={bars} days={days} nowMs={now.peek()} share={data.sums.first_judged === 0 ? null : data.sums.first_passed / data.sums.first_judged} />
            <Codes numbers={data} />
          </div>
          <div class="chart-row wide">
            {data.times.steps.length > 0 && <StepsChart times={data.times} />}
            <Health numbers={data} />
          </div>
        </>
      )}
    </main>
  );
}
