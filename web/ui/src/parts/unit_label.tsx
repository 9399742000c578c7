// SPDX-License-Identifier: Apache-2.0
// The label of a unit: what it looks like, its copies, and printing it.
import type { JSX } from 'preact';
import { api, sentenceOf } from '../api/client';
import type { Job, Label, Tile, Unit } from '../api/types';
import { may } from '../live/session';
import { live, now, showAnswer } from '../live/store';
import { t } from '../i18n';
import { iso, when } from '../i18n/format';
import { say } from './press';
import { ReasonForm } from './reason_form';

export function labelWord(one: Label): string {
  return one.doubt ? t.labels.doubt : t.labels[one.state];
}

function Copy({ one }: { one: Label }): JSX.Element {
  return (
    <li data-label={one.copy} data-label-state={one.state}>
      <time title={iso(one.asked_ms)}>{when(one.asked_ms, now.peek())}</time>
      <span>
        {one.copy}: {labelWord(one)}{one.checked_ms !== null && `, ${t.labels.checked}`}
        {one.reason !== null && ' '}{one.reason !== null && <q>{one.reason}</q>}
        {one.message !== null && <small>{one.message}</small>}
        {one.asked_by !== '' && <span class="dim"> · {one.asked_by}</span>}
      </span>
    </li>
  );
}

export function UnitLabel({ unit, job, tile, reload }: { unit: Unit; job: Job; tile: Tile | null; reload: () => void }): JSX.Element | null {
  if (unit.label_printer === null) return null;
  const copies = unit.labels.filter((one) => one.job === job.job);
  const print = (): void => {
    api.askLabel(job.job).then(reload, (problem: unknown) => say(sentenceOf(problem).sentence, true));
  };
  return (
    <section class="card" data-label-card>
      <div class="card-head"><h2>{t.labels.card}</h2></div>
      {job.outcome !== 'PASS' ? <p class="card-note">{t.labels.later}</p> : (
        <>
          <img class="label-picture" src={api.labelPicture(job.job)} alt={t.labels.picture(unit.serial ?? '')} />
          {copies.length > 0 && <ol class="history">{copies.map((one) => <Copy key={one.label} one={one} />)}</ol>}
          <div class="card-buttons">
            <a class="button" data-label-pdf href={api.labelPicture(job.job, 'pdf')} download={`label-${unit.serial ?? job.job}.pdf`}>{t.labels.pdf}</a>
            {copies.length === 0
              ? <button type="button" data-print disabled={live.value !== 'live'} onClick={print}>{t.labels.print}</button>
              : may('qa') && <ReasonForm name="reprint" button={t.labels.reprint} label={t.reason.why} sure={t.labels.reprintSure}
                  act={(reason) => api.copyLabel(job.job, reason)} done={reload} />}
            {tile?.ack === 'label' && may('qa') && (
              <ReasonForm name="skip-label" button={t.labels.skip} label={t.reason.why} sure={t.labels.skipSure} danger
                act={async (reason) => { showAnswer(await api.skipLabel(tile.slot, job.job, reason)); }} done={reload} />
            )}
          </div>
        </>
      )}
    </section>
  );
}
