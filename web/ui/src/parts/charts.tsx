// SPDX-License-Identifier: Apache-2.0
// The charts of the numbers page. Grey data, blue for the one thing to look at, every mark labelled at itself.
import { max, range } from 'd3-array';
import { scaleBand, scaleLinear } from 'd3-scale';
import type { JSX } from 'preact';
import type { Numbers } from '../api/types';
import { t } from '../i18n';
import { clock, count, dayName, duration, percent } from '../i18n/format';
import { Chart } from './chart';
import { bottleneck, wilson, type Bar } from './numbers_model';

const left = 54;
const right = 12;
const top = 26;
const foot = 26;
const height = 250;

interface HoursProps {
  bars: readonly Bar[];
  days: boolean;
  nowMs: number;
}
const label = (bar: Bar, days: boolean): string => (days ? dayName(bar.at) : clock(bar.at));

// As many labels as fit, the first always.
function thinned(bars: readonly Bar[], width: number): number {
  return Math.max(1, Math.ceil((bars.length * 58) / Math.max(1, width)));
}

export function MadeChart({ bars, days, nowMs }: HoursProps): JSX.Element {
  const draw = (width: number): JSX.Element => {
    const x = scaleBand<number>().domain(bars.map((bar) => bar.at)).range([left, width - right]).padding(0.22);
    const y = scaleLinear().domain([0, Math.max(4, max(bars, (bar) => bar.made) ?? 0)]).nice(4).range([height - foot, top]);
    const every = thinned(bars, width - left);
    return (
      <>
        {y.ticks(4).filter(Number.isInteger).map((tick) => (
          <g key={tick}>
            <line class="chart-grid" x1={left} x2={width - right} y1={y(tick)} y2={y(tick)} />
            <text class="chart-tick" x={left - 8} y={y(tick)} dy="0.35em" text-anchor="end">{count(tick)}</text>
          </g>
        ))}
        {bars.map((bar, i) => {
          const at = x(bar.at) ?? 0;
          const tall = y(0) - y(bar.made);
          const begun = bar.at <= nowMs;
          return (
            <g key={bar.at}>
              {bar.made > 0 && <rect class="chart-bar" x={at} width={x.bandwidth()} y={y(bar.made)} height={tall} />}
              {bar.made > 0 && x.bandwidth() >= 22 && (
                <text class={tall > 26 ? 'chart-in' : 'chart-on'} x={at + x.bandwidth() / 2} y={tall > 26 ? y(bar.made) + 17 : y(bar.made) - 6} text-anchor="middle">{count(bar.made)}</text>
              )}
              {i % every === 0 && <text class={begun ? 'chart-tick' : 'chart-tick later'} x={at + x.bandwidth() / 2} y={height - 8} text-anchor="middle">{label(bar, days)}</text>}
            </g>
          );
        })}
      </>
    );
  };
  return (
    <Chart name="made" title={days ? t.numbers.perDay : t.numbers.perHour} corner={t.numbers.passOnly} height={height} draw={draw}
      head={[days ? t.numbers.day : t.numbers.hour, t.numbers.made]} rows={bars.map((bar) => [label(bar, days), count(bar.made)])} />
  );
}

export function YieldChart({ bars, days, share }: HoursProps & { share: number | null }): JSX.Element {
  const known = bars.filter((bar) => bar.firstJudged > 0);
  const lowest = Math.min(0.9, ...known.map((bar) => wilson(bar.firstPassed, bar.firstJudged).low));
  const from = Math.max(0, Math.floor(lowest * 10) / 10);
  const draw = (width: number): JSX.Element => {
    const x = scaleBand<number>().domain(bars.map((bar) => bar.at)).range([left, width - right]).padding(0.2);
    const y = scaleLinear().domain([from, 1]).range([height - foot, top]);
    const every = thinned(bars, width - left);
    return (
      <>
        {y.ticks(4).map((tick) => (
          <g key={tick}>
            <line class="chart-grid" x1={left} x2={width - right} y1={y(tick)} y2={y(tick)} />
            <text class="chart-tick" x={left - 8} y={y(tick)} dy="0.35em" text-anchor="end">{percent(tick, 0)}</text>
          </g>
        ))}
        {share !== null && <line class="chart-plan" x1={left} x2={width - right} y1={y(share)} y2={y(share)} />}
        {known.map((bar) => {
          const { low, high } = wilson(bar.firstPassed, bar.firstJudged);
          const middle = (x(bar.at) ?? 0) + x.bandwidth() / 2;
          const value = bar.firstPassed / bar.firstJudged;
          return (
            <g key={bar.at} class="chart-point">
              <line x1={middle} x2={middle} y1={y(low)} y2={y(high)} />
              <line x1={middle - 5} x2={middle + 5} y1={y(low)} y2={y(low)} />
              <line x1={middle - 5} x2={middle + 5} y1={y(high)} y2={y(high)} />
              <circle cx={middle} cy={y(value)} r={4.5} />
              {x.bandwidth() >= 42 && <text class="chart-on" x={middle + 9} y={y(value)} dy="-0.4em">{percent(value)}</text>}
            </g>
          );
        })}
        {bars.map((bar, i) => i % every === 0 && (
          <text key={bar.at} class={bar.firstJudged > 0 ? 'chart-tick' : 'chart-tick later'} x={(x(bar.at) ?? 0) + x.bandwidth() / 2} y={height - 8} text-anchor="middle">{label(bar, days)}</text>
        ))}
        {share !== null && <text class="chart-plan-text" x={left + 4} y={y(share) - 6}>{t.numbers.all(percent(share))}</text>}
      </>
    );
  };
  return (
    <Chart name="yield" title={t.numbers.yieldBy(days)} corner={t.numbers.yieldCorner(percent(from, 0))} height={height} draw={draw}
      head={[days ? t.numbers.day : t.numbers.hour, t.numbers.firstPass, t.numbers.judged, t.numbers.interval]}
      rows={known.map((bar) => {
        const { low, high } = wilson(bar.firstPassed, bar.firstJudged);
        return [label(bar, days), percent(bar.firstPassed / bar.firstJudged), count(bar.firstJudged), `${percent(low)} – ${percent(high)}`];
      })} />
  );
}

const rowHeight = 36;

// Round times, at most seven of them.
function timeTicks(longest: number): number[] {
  const step = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].find((one) => longest / one <= 7) ?? 7200;
  return range(0, longest + 0.001, step);
}

export function StepsChart({ times }: { times: Numbers['times'] }): JSX.Element {
  const worst = bottleneck(times);
  const shown = times.steps;
  const tall = shown.length * rowHeight + 40;
  const draw = (width: number): JSX.Element => {
    const longest = max(shown, (step) => step.word.length) ?? 0;
    const from = Math.min(longest * 8.4 + 16, width * 0.42);
    const to = width - 120;
    const bins = (shown[0]?.bins.length ?? 1) - 1;
    const x = scaleLinear().domain([0, times.bin_s * bins]).range([from, to]);
    const wide = (to - from) / bins;
    return (
      <>
        <text class="chart-tick" x={width - 62} y={12} text-anchor="end">{t.numbers.median}</text>
        <text class="chart-tick" x={width - 4} y={12} text-anchor="end">{t.numbers.nineInTen}</text>
        {timeTicks(times.bin_s * bins).map((tick) => (
          <g key={tick}>
            <line class="chart-grid" x1={x(tick)} x2={x(tick)} y1={18} y2={tall - 22} />
            <text class="chart-tick" x={x(tick)} y={tall - 6} text-anchor="middle">{duration(tick)}</text>
          </g>
        ))}
        {shown.map((step, i) => {
          const base = 18 + (i + 1) * rowHeight;
          const most = Math.max(1, ...step.bins.slice(0, bins));
          const look = worst?.word === step.word;
          return (
            <g key={step.name} class={look ? 'chart-look' : ''}>
              <text class={look ? 'chart-name strong' : 'chart-name'} x={from - 12} y={base - 8} text-anchor="end">{step.word}</text>
              <line class="chart-grid" x1={from} x2={to} y1={base} y2={base} />
              {step.bins.slice(0, bins).map((n, at) => n > 0 && (
                <rect key={at} class="chart-bar" x={from + at * wide} width={Math.max(1, wide - 0.5)} y={base - (n / most) * (rowHeight - 8)} height={(n / most) * (rowHeight - 8)} />
              ))}
              <line class="chart-median" x1={Math.min(to, x(step.median_s))} x2={Math.min(to, x(step.median_s))} y1={base - rowHeight + 6} y2={base} />
              <text class={look ? 'chart-name strong' : 'chart-name'} x={width - 62} y={base - 8} text-anchor="end">{duration(step.median_s)}</text>
              <text class="chart-name dim" x={width - 4} y={base - 8} text-anchor="end">{duration(step.p90_s)}</text>
            </g>
          );
        })}
      </>
    );
  };
  return (
    <Chart name="steps" title={t.numbers.times} corner={t.numbers.timesCorner(count(times.timed))} height={tall} draw={draw}
      sentence={worst === null ? null : t.numbers.bottleneck(worst.word, percent(worst.share, 0))}
      head={[t.numbers.step, t.numbers.attempts, t.numbers.median, t.numbers.nineInTen]}
      rows={shown.map((step) => [step.word, count(step.n), duration(step.median_s), duration(step.p90_s)])} />
  );
}
