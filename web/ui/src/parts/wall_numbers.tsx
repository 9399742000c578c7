// SPDX-License-Identifier: Apache-2.0
// The shift in figures that are read from three metres, and its hours as bars.
import type { JSX } from 'preact';
import { api } from '../api/client';
import type { WallNumbers } from '../api/types';
import { now, station } from '../live/store';
import { t } from '../i18n';
import { clock, count, duration, percent } from '../i18n/format';
import { takt } from './numbers_model';
import { useLoaded } from './load_state';
import { shiftWord } from './shift_word';

function Hours({ numbers }: { numbers: WallNumbers }): JSX.Element {
  const most = Math.max(1, ...numbers.hours.map((hour) => hour.made));
  return (
    <ol class="wall-hours" aria-label={t.numbers.perHour}>
      {numbers.hours.map((hour) => (
        <li key={hour.at} class={hour.at > now.value ? 'ahead' : ''}>
          <b>{hour.at > now.value ? '' : count(hour.made)}</b>
          <span class="wall-bar" style={{ height: `${(hour.made / most) * 70}%` }} />
          <span>{clock(hour.at)}</span>
        </li>
      ))}
    </ol>
  );
}

export function WallNumbersView(): JSX.Element | null {
  // A verdict, or another hour, and the figures are read again.
  const key = [station.value?.today.made, station.value?.today.first_judged, Math.floor(now.value / 600_000)].join(' ');
  const { data } = useLoaded((signal) => api.wallNumbers(signal), key);
  if (data === null) return null;
  const { sums } = data;
  const seconds = takt(sums);
  const figures: readonly [string, string, string, string][] = [
    ['made', t.numbers.made, count(sums.made), t.numbers.ofAttempts(count(sums.attempts))],
    ['first-pass', t.numbers.firstPass, sums.first_judged === 0 ? '–' : percent(sums.first_passed / sums.first_judged), t.numbers.of(count(sums.first_passed), count(sums.first_judged))],
    ['takt', t.numbers.takt, seconds === null ? '–' : duration(seconds), t.numbers.taktIs],
    ['problems', t.numbers.problems, count(sums.outcomes.ERROR ?? 0), t.numbers.ofAttempts(count(sums.attempts))],
  ];
  return (
    <section class="wall-numbers" data-wall-numbers>
      <h2>{data.shift === null ? t.numbers.stretches['8h'] : t.turns.since(shiftWord(data.shift), clock(data.since))}</h2>
      <dl>{figures.map(([name, word, value, more]) => <div key={name} data-figure={name}><dt>{word}</dt><dd><strong>{value}</strong><span>{more}</span></dd></div>)}</dl>
      <Hours numbers={data} />
    </section>
  );
}
