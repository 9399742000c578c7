// SPDX-License-Identifier: Apache-2.0
// Printing and revoking a badge; who may have one, for a technician, who does not see the accounts.
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { api, sentenceOf } from '../api/client';
import type { BadgeHolder } from '../api/types';
import { t } from '../i18n';
import { iso, when } from '../i18n/format';
import { ProblemPanel, useLoaded } from './load_state';
import { useOnce } from './once';
import { ReasonForm } from './reason_form';

export function Badge({ one, reload }: { one: BadgeHolder; reload: () => void }): JSX.Element {
  const said = useSignal<{ text: string; bad: boolean } | null>(null);
  const once = useOnce();
  const print = (): void => void once(async () => {
    try {
      await api.printBadge(one.account);
      said.value = { text: t.badge.printed, bad: false };
    } catch (error) {
      said.value = { text: sentenceOf(error).sentence, bad: true };
    } finally {
      reload();
    }
  });
  return (
    <>
      {one.badge_ms !== null && <small class="badge-since" title={iso(one.badge_ms)}>{t.badge.since(when(one.badge_ms, Date.now()))}</small>}
      <span class="badge-do">
        <button type="button" data-print-badge={one.name} onClick={print}>{t.badge.print}</button>
        {one.badge_ms !== null && (
          <ReasonForm name={`badge-${one.name}`} button={t.badge.revoke} sure={t.badge.revokeSure} danger label={t.reason.type(one.name)}
            typed={one.name} note={t.badge.revokeNote} act={() => api.revokeBadge(one.account)} done={reload} />
        )}
      </span>
      {said.value !== null && <p class={said.value.bad ? 'bad' : 'dim'} role="alert">{said.value.text}</p>}
    </>
  );
}

export function BadgeHolders(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.badges(signal), 'badges');
  return (
    <section class="card" data-card="badges">
      <div class="card-head"><h2>{t.badge.title}</h2></div>
      <p class="card-note">{t.badge.what}</p>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && !data.printer && <p class="card-note bad" role="status">{t.badge.noPrinter}</p>}
      {data !== null && (
        <div class="table-room">
          <table class="rows tall">
            <thead><tr><th>{t.people.name}</th><th>{t.badge.column}</th></tr></thead>
            <tbody>{data.holders.map((one) => <tr key={one.account} data-holder={one.name}><td><strong>{one.name}</strong></td><td><Badge one={one} reload={reload} /></td></tr>)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}
