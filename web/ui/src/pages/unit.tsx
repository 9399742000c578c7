// SPDX-License-Identifier: Apache-2.0
// One unit: what is proven, what is known, what happened when, the log, its attempts, and what to do.
import { useComputed } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { api } from '../api/client';
import type { Attempt, HistoryLine, Job, JobContext, Proof, Tile, Unit } from '../api/types';
import { may } from '../live/session';
import { allTiles, live, now, showAnswer } from '../live/store';
import { Icon } from '../parts/icon';
import { LogView } from '../parts/log_view';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { press, said, say } from '../parts/press';
import { ReasonForm } from '../parts/reason_form';
import { UnitLabel } from '../parts/unit_label';
import { SureButton } from '../parts/sure_button';
import { ResultTag } from '../parts/result_tag';
import { factOf } from '../parts/tile_text';
import { Timeline } from '../parts/timeline';
import { go, Link, place } from '../router';
import { t } from '../i18n';
import { clockSeconds, date, iso, size, when, whenSeconds } from '../i18n/format';

const verdictSigns = { PASS: 'pass', FAIL: 'fail', ERROR: 'spanner', ABORTED: 'square' } as const;

function Verdict({ job, tile }: { job: Job; tile: Tile | null }): JSX.Element {
  if (job.outcome !== null) {
    return (
      <div class={`verdict-box outcome-${job.outcome.toLowerCase()}`} data-verdict={job.outcome}>
        <Icon name={verdictSigns[job.outcome]} />
        <span>{t.outcomeLong[job.outcome]}</span>
        {job.display_code !== null && job.outcome !== 'ABORTED' && <small>{job.display_code}</small>}
      </div>
    );
  }
  const fact = tile ? factOf(tile) : null;
  return (
    <div class="verdict-box outcome-running" data-verdict="">
      <Icon name={tile?.icon ?? 'clock'} />
      <span>{tile?.word ?? t.outcome.none}</span>
      {fact && fact.size !== 'note' && <small>{fact.text}</small>}
    </div>
  );
}

function StopButton({ job }: { job: Job }): JSX.Element {
  return <SureButton name="stop" class="danger" text={t.unit.stop} sure={t.unit.stopSure} act={() => api.stop(job.slot, job.job)} />;
}

// The judged unit is still in its slot. Whether it has started the station knows; of one that waits in recovery mode the tile says so.
function RecoveryButton({ job, tile }: { job: Job; tile: Tile | null }): JSX.Element | null {
  if (job.outcome === null || tile === null || !tile.present || tile.retry || !may('operator')) return null;
  return (
    <SureButton name="recovery" text={t.unit.recovery} sure={t.unit.recoverySure} busy={t.unit.recoveryBusy}
      act={async () => { showAnswer(await api.sendToRecovery(job.slot, job.job)); say(t.unit.recoveryDone(job.slot), false); }} />
  );
}

function Head({ unit, job, tile }: { unit: Unit; job: Job; tile: Tile | null }): JSX.Element {
  const from = `${date(job.started_at)}, ${clockSeconds(job.started_at)}`;
  const line = job.ended_at === null
    ? t.unit.headRunning(job.slot, job.attempt, from)
    : t.unit.head(job.slot, job.attempt, from, clockSeconds(job.ended_at));
  const armed = tile !== null && tile.press !== null && live.value === 'live';
  return (
    <div class="unit-head">
      <Verdict job={job} tile={tile} />
      <div class="unit-name">
        <h1>{unit.serial ?? t.unit.none(unit.unit)}</h1>
        <p class="dim" title={iso(job.started_at)}>
          {line}{job.order && ` · ${t.unit.order(job.order.name)}`}
        </p>
      </div>
      <span class="spring" />
      {job.certificate && (
        <a class="button" href={api.certificate(job.job)} download data-certificate><Icon name="download" />{t.unit.certificate}</a>
      )}
      <a class="button" href={api.logDownload(job.job)} download><Icon name="download" />{t.unit.download(size(job.log.size))}</a>
      {job.outcome !== null && <Link to={`/jobs/${job.job}/replay`} class="button"><Icon name="play" />{t.replay.open}</Link>}
      {armed && tile && (
        <button type="button" class="main" data-press={tile.press ?? ''} onClick={() => void press(tile)}>
          {tile.button ?? (tile.press === 'retry' ? t.unit.retry : t.unit.acknowledge)}
        </button>
      )}
      {job.running && <StopButton job={job} />}
      <RecoveryButton job={job} tile={tile} />
      <Link to="/" class="button">{t.unit.wall}</Link>
    </div>
  );
}

function Why({ job, tile }: { job: Job; tile: Tile | null }): JSX.Element | null {
  if (job.outcome === null || job.outcome === 'PASS' || job.sentence === null) return null;
  return (
    <section class={`why outcome-${job.outcome.toLowerCase()}`} data-why={job.code ?? ''}>
      <p>
        <strong>{job.sentence}</strong>
        <span>
          {job.action !== null && <b>{job.action}. </b>}
          {job.retry !== null && (job.retry ? t.unit.canRetry : t.unit.cannotRetry)}
        </span>
      </p>
      {job.code !== null && <code>{job.code}</code>}
      {job.code === 'unit.known' && tile !== null && (
        <ReasonForm name="rework" button={t.unit.rework} label={t.reason.why} sure={t.unit.reworkSure}
          act={async (reason) => { showAnswer(await api.rework(tile.slot, job.job, reason)); }} done={() => undefined} />
      )}
    </section>
  );
}

function Proofs({ proofs }: { proofs: readonly Proof[] }): JSX.Element {
  const proven = proofs.filter((proof) => proof.ok === true).length;
  return (
    <section class="card">
      <div class="card-head"><h2>{t.unit.proof}</h2><span class="dim">{t.unit.proofs(proven, proofs.length)}</span></div>
      <ul class="proofs">
        {proofs.map((proof) => (
          <li key={proof.kind} data-proof={proof.kind} data-ok={String(proof.ok)}>
            <span class={proof.ok === null ? 'proof-sign' : proof.ok ? 'proof-sign yes' : 'proof-sign no'}>
              {proof.ok !== null && <Icon name={proof.ok ? 'tick' : 'close'} heavy />}
            </span>
            <span>
              <strong>{proof.title}</strong>
              <small title={proof.at === null ? undefined : iso(proof.at)}>{proof.sentence ?? t.unit.unknown}</small>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Facts({ unit, tile, release = null }: { unit: Unit; tile: Tile | null; release?: Job['image_release'] }): JSX.Element {
  const check = tile?.chip_check ?? null;
  return (
    <section class="card">
      <div class="card-head"><h2>{t.unit.facts}</h2></div>
      {unit.facts.length === 0 ? <p class="card-note">{t.unit.noFacts}</p> : (
        <dl class="facts">
          {unit.facts.map((fact) => (
            <div key={fact.key} data-fact={fact.key}>
              <dt>{fact.label}</dt>
              <dd class={fact.mono ? 'mono' : ''} title={fact.value}>{fact.value}</dd>
            </div>
          ))}
          {release !== null && (
            <div data-fact="image_release" class={release.how === 'emergency' ? 'bad' : ''}>
              <dt>{t.orders.howOnRecord[release.how]}</dt><dd>{[release.by ?? t.orders.noneNeeded, release.reason].filter((part) => part !== null).join(': ')}</dd>
            </div>
          )}
          {check !== null && (
            <div data-fact="chip_check"><dt>{t.unit.chipCheck}</dt><dd>{t.unit.chipCheckAt[check]}</dd></div>
          )}
        </dl>
      )}
    </section>
  );
}

function Attempts({ unit, job }: { unit: Unit; job: Job }): JSX.Element {
  const row = (attempt: Attempt): JSX.Element => {
    const to = attempt.job === unit.attempts[0]?.job ? `/units/${unit.unit}` : `/units/${unit.unit}?job=${attempt.job}`;
    const at = attempt.ended_at ?? attempt.started_at;
    return (
      <tr key={attempt.job} class={attempt.job === job.job ? 'selected' : ''} data-attempt={attempt.number}
        onClick={() => go(to)}>
        <td><Link to={to}>{attempt.number}</Link></td>
        <td><ResultTag outcome={attempt.outcome} code={attempt.display_code} /></td>
        <td>{attempt.slot}</td>
        <td class="right" title={iso(at)}>{when(at, now.peek())}</td>
      </tr>
    );
  };
  const judged = unit.attempts.length === 1 && (job.outcome === 'PASS' || job.outcome === 'FAIL');
  return (
    <section class="card">
      <div class="card-head"><h2>{t.unit.attempts}</h2></div>
      <table class="rows">
        <thead><tr><th>{t.unit.no}</th><th>{t.unit.result}</th><th>{t.unit.slot}</th><th class="right">{t.unit.when}</th></tr></thead>
        <tbody>{unit.attempts.map(row)}</tbody>
      </table>
      {judged && <p class="card-note">{t.unit.firstAttempt}</p>}
    </section>
  );
}

function OnSlot({ job, beside }: { job: Job; beside: JobContext['on_slot'] }): JSX.Element | null {
  if (beside.length < 2) return null;
  return (
    <section class="card" data-on-slot>
      <div class="card-head"><h2>{t.unit.onSlot(job.slot)}</h2></div>
      <table class="rows">
        <tbody>
          {beside.map((one) => (
            <tr key={one.job} class={one.job === job.job ? 'selected' : ''} data-beside={one.job}>
              <td><Link to={`/units/${one.unit}?job=${one.job}`}>{one.serial ?? t.unit.none(one.unit)}</Link></td>
              <td><ResultTag outcome={one.outcome} code={one.display_code} /></td>
              <td class="right" title={iso(one.at)}>{when(one.at, now.peek())}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function History({ lines }: { lines: readonly HistoryLine[] }): JSX.Element {
  return (
    <section class="card grow">
      <div class="card-head"><h2>{t.unit.history}</h2></div>
      {lines.length === 0 ? <p class="card-note">{t.unit.noHistory}</p> : (
        <ol class="history">
          {lines.map((line) => (
            <li key={line.seq}>
              <time title={iso(line.at)}>{whenSeconds(line.at, now.peek())}</time>
              <span>{line.sentence}{line.actor !== null && <span class="dim"> · {line.actor}</span>}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

export function UnitPage({ unit: id }: { unit: number }): JSX.Element {
  const asked = Number(place.value.query.get('job') ?? '0');
  const shown = useComputed(() => allTiles.value.find(({ tile }) => tile.unit === id) ?? null);
  const tile = shown.value?.tile ?? null;
  const [beat, setBeat] = useState(0);
  const key = `${id} ${asked} ${shown.value?.seq ?? ''} ${tile?.stage ?? ''} ${beat}`;
  const { data, problem, reload } = useLoaded(async (signal) => {
    const unit = await api.unit(id, signal);
    const jobId = asked > 0 ? asked : unit.attempts[0]?.job;
    return { unit, job: jobId === undefined ? null : await api.job(jobId, signal) };
  }, key);
  const running = data?.job?.running ?? false;
  // Once for each job, and once more when it has ended; it is not worth a word when it fails.
  const { data: loaded } = useLoaded(async (signal) => {
    const job = data?.job?.job;
    return job === undefined ? null : { job, ...await api.jobContext(job, signal) };
  }, `${data?.job?.job ?? ''} ${running}`);
  // The one before stays on show while the next loads: another job's says nothing of this one.
  const context = loaded !== null && loaded.job === data?.job?.job ? loaded : null;
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => setBeat((n) => n + 1), 2000);
    return () => clearInterval(timer);
  }, [running]);
  useEffect(() => {
    document.title = `${t.product} – ${data?.unit.serial ?? t.unit.none(id)}`;
  }, [data?.unit.serial]);
  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && !(event.target instanceof HTMLInputElement)) history.back();
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);

  if (!data) {
    return (
      <main class="page">
        {problem ? <ProblemPanel problem={problem} reload={reload} /> : <p class="dim">{t.unit.loading}</p>}
      </main>
    );
  }
  const { unit, job } = data;
  if (!job) return <main class="page"><h1>{unit.serial ?? t.unit.none(id)}</h1><Facts unit={unit} tile={null} /></main>;
  const newest = unit.attempts[0]?.job === job.job;
  const own = tile?.job === job.job ? tile : null;
  return (
    <main class="page unit-page" data-unit={id} data-job={job.job}>
      {problem != null && <ProblemPanel problem={problem} reload={reload} />}
      {said.value?.bad && <p class="said bad" role="alert">{said.value.text}</p>}
      {!newest && (
        <p class="old-record">
          {t.unit.old(when(job.started_at, now.peek()))} · <Link to={`/units/${id}`}>{t.unit.newest}</Link>
        </p>
      )}
      <Head unit={unit} job={job} tile={own} />
      <Why job={job} tile={own} />
      <div class="unit-grid">
        <div class="column unit-left"><Proofs proofs={job.proofs} /><Facts unit={unit} tile={own} release={job.image_release} /><UnitLabel unit={unit} job={job} tile={own} reload={reload} /></div>
        <div class="column unit-middle"><Timeline job={job} usual={context?.usual ?? null} /><LogView key={job.job} job={job} /></div>
        <div class="column unit-right"><Attempts unit={unit} job={job} /><OnSlot job={job} beside={context?.on_slot ?? []} /><History lines={unit.history} /></div>
      </div>
    </main>
  );
}
