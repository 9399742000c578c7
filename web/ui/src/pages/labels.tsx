// SPDX-License-Identifier: Apache-2.0
// Labels that wait for the printer or are not printed: look, try again, say that it is there, print another copy with a reason.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { api, sentenceOf } from '../api/client';
import type { Label } from '../api/types';
import { may } from '../live/session';
import { live, now } from '../live/store';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { ReasonForm } from '../parts/reason_form';
import { labelWord } from '../parts/unit_label';
import { Link } from '../router';
import { t } from '../i18n';
import { iso, when } from '../i18n/format';

const everyMs = 3000; // the printer's news is no part of the live link

function Row({ one, reload }: { one: Label; reload: () => void }): JSX.Element {
  const problem = useSignal<string | null>(null);
  const once = useOnce();
  const run = (act: () => Promise<unknown>): void => void once(async () => {
    try {
      problem.value = null;
      await act();
    } catch (error) {
      problem.value = sentenceOf(error).sentence;
    } finally {
      reload();
    }
  });
  const dead = live.value !== 'live';
  return (
    <tr data-label={one.label} data-label-state={one.state} data-doubt={String(one.doubt)}>
      <td><strong>{may('qa') ? <Link to={`/units/${one.unit}`}>{one.serial ?? t.unit.none(one.unit)}</Link> : one.serial}</strong></td>
      <td>{one.slot}</td>
      <td class="right">{one.copy}</td>
      <td><span title={iso(one.asked_ms)}>{when(one.asked_ms, now.peek())}</span> {one.asked_by !== '' && <small>{t.labels.by(one.asked_by)}</small>}</td>
      <td>
        <strong>{labelWord(one)}</strong>
        <small class="label-why">{[one.message, one.tries > 0 ? t.labels.tries(one.tries) : null].filter((part) => part !== null).join(' · ')}</small>
        {problem.value !== null && <p class="bad" role="alert">{problem.value}</p>}
      </td>
      <td class="label-do">
        {one.state === 'failed' && !one.doubt && (
          <button type="button" class="main" data-again disabled={dead} onClick={() => run(() => api.retryLabel(one.label))}>{t.labels.again}</button>
        )}
        {one.doubt && <button type="button" class="main" data-found disabled={dead} onClick={() => run(() => api.foundLabel(one.label))}>{t.labels.found}</button>}
        {one.state === 'failed' && may('qa') && (
          <ReasonForm name={`reprint-${one.label}`} button={t.labels.reprint} label={t.reason.why} sure={t.labels.reprintSure}
            act={(reason) => api.copyLabel(one.job, reason)} done={reload} />
        )}
      </td>
    </tr>
  );
}

export function LabelsPage(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.labels(signal), 'labels');
  useEffect(() => {
    document.title = `${t.product} – ${t.nav.labels}`;
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="page">
      <div class="page-head"><h1>{t.labels.title}</h1></div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && (
        <section class="card">
          {data.printer === null && <p class="card-note">{t.labels.noPrinter}</p>}
          {data.printer !== null && data.labels.length === 0 && <p class="card-note" data-none>{t.labels.none}</p>}
          {data.labels.length > 0 && (
            <>
              <p class="card-note">{t.labels.verdict}</p>
              <div class="table-room">
                <table class="rows tall">
                  <thead><tr><th>{t.labels.serial}</th><th>{t.labels.slot}</th><th class="right">{t.labels.copy}</th><th>{t.labels.asked}</th><th>{t.labels.what}</th><th /></tr></thead>
                  <tbody>{data.labels.map((one) => <Row key={one.label} one={one} reload={reload} />)}</tbody>
                </table>
              </div>
            </>
          )}
        </section>
      )}
    </main>
  );
}
