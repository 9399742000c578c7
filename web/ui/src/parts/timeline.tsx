// SPDX-License-Identifier: Apache-2.0
// What happened when, on one time axis; each attempt of a step has its own line. Restarts are hatched in amber, what
// failed is red, what runs is blue. A mark stands where each step usually ends.
import type { JSX } from 'preact';
import type { Job, JobContext, Step } from '../api/types';
import { now } from '../live/store';
import { t } from '../i18n';
import { clockSeconds, duration, iso } from '../i18n/format';

const spacings = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

export function ticksFor(seconds: number, most = 6): number[] {
  const spacing = spacings.find((one) => seconds / one <= most) ?? 14_400;
  const ticks: number[] = [];
  for (let at = 0; at <= seconds; at += spacing) ticks.push(at);
  return ticks;
}

function tickText(seconds: number, all: readonly number[]): string {
  const top = all[all.length - 1] ?? 0;
  const minutes = all.every((one) => one % 60 === 0) && top > 0;
  const text = minutes ? String(seconds / 60) : String(seconds);
  if (seconds !== top) return text;
  return minutes ? t.unit.minutes(text) : t.unit.seconds(text);
}

function Usual({ usual, total }: { usual: NonNullable<JobContext['usual']>; total: string }): JSX.Element {
  return (
    <span class="dim usual-words" data-usual={usual.of}>
      <span><span class="usual-key" aria-hidden="true" />{t.unit.usualOf(usual.of)}</span>
      <span>{total}, {t.unit.usual(duration(usual.median_s))}</span>
    </span>
  );
}

export function Timeline({ job, usual }: { job: Job; usual: JobContext['usual'] }): JSX.Element {
  // A running job draws its last bar to now; a finished one never reads the clock.
  const end = job.ended_at ?? Math.max(now.value, job.started_at + 1000);
  const span = Math.max(1000, end - job.started_at);
  const ticks = ticksFor(span / 1000);
  const place = (ms: number): number => Math.max(0, Math.min(100, ((ms - job.started_at) / span) * 100));
  const steps = job.steps.filter((step): step is Step & { started_at: number } => step.started_at !== null);
  const total = duration(span / 1000);
  return (
    <section class="card">
      <div class="card-head">
        <h2>{t.unit.timeline}</h2>
        {usual === null
          ? <span class="dim">{job.running ? t.unit.soFar(total) : t.unit.total(total)}</span>
          : <Usual usual={usual} total={job.running ? t.unit.soFar(total) : t.unit.total(total)} />}
      </div>
      {steps.length === 0 ? <p class="card-note">{t.unit.noSteps}</p> : (
        <div class="timeline">
          <div class="timeline-grid" aria-hidden="true">
            {ticks.map((at) => (
              <span key={at} class={at * 1000 > span * 0.96 ? 'timeline-tick last' : 'timeline-tick'} style={{ left: `${(at * 1000 * 100) / span}%` }}>
                <span>{tickText(at, ticks)}</span>
              </span>
            ))}
          </div>
          <ol>
            {steps.map((step) => {
              const to = step.ended_at ?? end;
              const left = place(step.started_at);
              const seconds = usual?.steps.find((one) => one.index === step.index && one.name === step.name)?.median_s;
              return (
                <li key={`${step.index}.${step.attempt}`} data-step={step.name} data-step-state={step.state}
                  class={`timeline-row step-${step.state} kind-${step.kind}`}>
                  <span class="timeline-word" title={step.name}>
                    {step.word}{step.attempt > 1 && <small> {t.unit.again(step.attempt)}</small>}
                  </span>
                  <span class="timeline-time" title={`${iso(step.started_at)} ${step.ended_at === null ? '' : iso(step.ended_at)}`}>
                    {duration((to - step.started_at) / 1000)}
                  </span>
                  <span class="timeline-lane" title={`${clockSeconds(step.started_at)} – ${step.ended_at === null ? '' : clockSeconds(step.ended_at)}`}>
                    <span class="timeline-bar" style={{ left: `${left}%`, width: `${Math.max(0.3, place(to) - left)}%` }} />
                    {seconds !== undefined && step.started_at + seconds * 1000 <= end && (
                      <span class="timeline-usual" data-usual-s={seconds} title={t.unit.usual(duration(seconds))}
                        style={{ left: `${place(step.started_at + seconds * 1000)}%` }} />
                    )}
                  </span>
                  {step.sentence !== null && <span class="timeline-why">{step.sentence}</span>}
                </li>
              );
            })}
          </ol>
        </div>
      )}
    </section>
  );
}
