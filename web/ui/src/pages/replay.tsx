// SPDX-License-Identifier: Apache-2.0
// A job on record, played again on a tile as on the wall. Nothing here is live and nothing can be pressed.
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api/client';
import type { Film, FilmStep } from '../api/types_technician';
import { filmTime, frameAt, speeds } from '../parts/film';
import { Icon } from '../parts/icon';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { TileStill } from '../parts/tile';
import { tileClasses, tileShrink, useInnerBox } from '../parts/tile_classes';
import { Link } from '../router';
import { t } from '../i18n';
import { clockSeconds, date } from '../i18n/format';

const pace = 10; // at first: half an hour takes three minutes

function Steps({ film, at, jump }: { film: Film; at: number; jump: (at: number) => void }): JSX.Element {
  const now = film.head.steps.filter((step) => step.at <= at).at(-1);
  const row = (step: FilmStep): JSX.Element => (
    <tr key={`${step.index}.${step.attempt}`} class={step === now ? 'selected' : ''} aria-current={step === now ? 'step' : undefined}>
      <td>{step.index}</td>
      <td><button type="button" class="plain-link" onClick={() => jump(step.at)}>{step.name}</button>{step.attempt > 1 && ` · ${t.replay.attempt(step.attempt)}`}</td>
      <td class="right">{filmTime(step.at)}</td>
      <td class="right">{filmTime(step.ended - step.at)}</td>
      <td>{step.recorded ? t.replay.recorded : <span class="warn-text">{t.replay.notRecorded}</span>}</td>
    </tr>
  );
  return (
    <section class="card">
      <div class="card-head"><h2>{t.replay.steps}</h2></div>
      <div class="table-room">
        <table class="rows">
          <thead><tr><th>{t.unit.no}</th><th>{t.replay.step}</th><th class="right">{t.replay.from}</th><th class="right">{t.replay.took}</th><th>{t.replay.recording}</th></tr></thead>
          <tbody>{film.head.steps.map(row)}</tbody>
        </table>
      </div>
    </section>
  );
}

const stageBox = { width: 470, height: 212 }; // as styles/bench.css has it

function Player({ film }: { film: Film }): JSX.Element {
  const at = useSignal(0);
  const playing = useSignal(false);
  const speed = useSignal<number>(pace);
  const stage = useRef<HTMLDivElement>(null);
  const box = useInnerBox(stage, '') ?? stageBox;
  const begun = useRef<{ clock: number; at: number } | null>(null);
  const { length_ms: length } = film.head;
  useEffect(() => {
    if (!playing.value) return undefined;
    begun.current = { clock: performance.now(), at: at.peek() };
    let handle = 0;
    const tick = (): void => {
      const from = begun.current;
      if (from === null) return;
      at.value = Math.min(length, from.at + (performance.now() - from.clock) * speed.peek());
      if (at.value >= length) playing.value = false;
      else handle = requestAnimationFrame(tick);
    };
    handle = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(handle);
  }, [playing.value, speed.value]);
  const jump = (to: number): void => {
    at.value = Math.max(0, Math.min(length, to));
    begun.current = { clock: performance.now(), at: at.value };
  };
  const toggle = (): void => {
    if (!playing.value && at.value >= length) jump(0);
    playing.value = !playing.value;
  };
  const frame = frameAt(film.frames, at.value);
  return (
    <div class="replay-room">
      <section class="card replay-card">
        <p class="replay-mark" data-replay><Icon name="play" /><strong>{t.replay.mark}</strong> <span>{t.replay.notLive}</span></p>
        <div ref={stage} class={`replay-stage ${tileClasses(box).join(' ')}`} data-state={frame?.tile.state} style={{ '--tile-shrink': String(tileShrink(box)) }}>
          {frame !== undefined && <TileStill tile={frame.tile} />}
        </div>
        <div class="replay-controls">
          <button type="button" class="main" data-play aria-pressed={playing.value} onClick={toggle}>
            <Icon name={playing.value ? 'pause' : 'play'} />{playing.value ? t.replay.pause : t.replay.play}
          </button>
          <input type="range" min={0} max={length} step={100} value={at.value} data-scrub aria-label={t.replay.scrub}
            aria-valuetext={t.replay.timeOf(filmTime(at.value), filmTime(length))} onInput={(event) => jump(Number(event.currentTarget.value))} />
          <span class="replay-time">{filmTime(at.value)} / {filmTime(length)}</span>
          <label class="replay-speed">{t.replay.speed}
            <select value={String(speed.value)} data-speed onChange={(event) => { jump(at.value); speed.value = Number(event.currentTarget.value); }}>
              {speeds.map((one) => <option key={one} value={String(one)}>{one}×</option>)}
            </select>
          </label>
        </div>
      </section>
      <Steps film={film} at={at.value} jump={jump} />
    </div>
  );
}

export function ReplayPage({ job }: { job: number }): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.film(job, signal), `film ${job}`);
  useEffect(() => { document.title = `${t.product} – ${t.replay.title(job)}`; }, []);
  return (
    <main class="page replay-page">
      <div class="page-head">
        <h1>{t.replay.title(job)}</h1>
        {data !== null && <span class="dim">{t.replay.head(data.head.slot, data.head.attempt, `${date(data.head.began)}, ${clockSeconds(data.head.began)}`)}</span>}
        <span class="spring" />
        {data !== null && <Link to={`/units/${data.head.unit}?job=${job}`}>{t.replay.unit}</Link>}
      </div>
      {problem !== null && data === null && <ProblemPanel problem={problem} reload={reload} />}
      {data === null && problem === null && <p class="dim" role="status">{t.replay.loading}</p>}
      {data !== null && !data.whole && <p class="note-warn" role="alert"><Icon name="warning" /><span>{t.replay.cut}</span></p>}
      {data !== null && <Player key={job} film={data} />}
    </main>
  );
}
