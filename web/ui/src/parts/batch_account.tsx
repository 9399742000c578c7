// SPDX-License-Identifier: Apache-2.0
// Where each serial of a batch went, as the station adds it up, and how the batch can end: withdrawn while no unit has
// anything of it, or closed. The account stays to be read when it has ended. Whether it may end the station decides.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api/client';
import type { Batch, BatchAccount } from '../api/types';
import { may } from '../live/session';
import { now } from '../live/store';
import { t } from '../i18n';
import { count, when } from '../i18n/format';
import { ProblemPanel, useLoaded } from './load_state';
import { ReasonForm } from './reason_form';

function Sum({ account }: { account: BatchAccount }): JSX.Element {
  const ended = account.state !== 'open';
  const parts: readonly [string, number, string, string][] = [
    ['passed', account.passed, t.account.passed, t.account.passedIs],
    ['scrapped', account.scrapped, t.account.scrapped, t.account.scrappedIs(count(account.voided), count(account.scrapped - account.voided))],
    ['in_doubt', account.in_doubt, t.account.inDoubt, t.account.inDoubtIs],
    ['at_work', account.at_work, t.account.atWork, t.account.atWorkIs],
    ['left', account.left, ended ? t.account.leftEnded : t.account.left, ended ? t.account.leftEndedIs : t.account.leftIs],
  ];
  return (
    <dl class="sum" aria-label={t.account.of(account.batch)}>
      <div data-sum="loaded"><dt>{t.account.loaded}</dt><dd>{count(account.loaded)}</dd></div>
      {parts.map(([key, n, word, meaning], i) => (
        <div key={key} data-sum={key}>
          <dt>{word}<small>{meaning}</small></dt>
          <dd><span class="sign">{i === 0 ? '=' : '+'}</span>{count(n)}</dd>
        </div>
      ))}
    </dl>
  );
}

function stateOf(row: Batch): string {
  if (row.state === 'open') return t.account.state.open;
  return t.account.state[row.state](row.ended_by ?? t.account.unknown, row.ended_at === null ? t.account.unknown : when(row.ended_at, now.peek()));
}

function Ends({ account, done }: { account: BatchAccount; done: () => void }): JSX.Element {
  const { batch } = account;
  return (
    <div class="ends">
      {account.left === account.loaded && (
        <ReasonForm name={`withdraw-${batch}`} button={t.account.withdraw} label={t.reason.why} sure={t.account.withdrawSure} danger
          note={t.account.withdrawNote(count(account.loaded))} act={(reason) => api.withdrawBatch(batch, reason)} done={done} />
      )}
      <ReasonForm name={`close-${batch}`} button={t.account.close} label={t.reason.type(batch)} sure={t.account.closeSure} danger typed={batch}
        note={[
          ...(account.at_work > 0 ? [t.account.busy(account.at_work, count(account.at_work))] : []),
          t.account.closeNote(account.left, count(account.left), account.in_doubt),
        ].join(' ')}
        act={() => api.closeBatch(batch)} done={done} />
    </div>
  );
}

// `reload` reads the pool page anew: what a batch loses by its end, its pool loses too.
export function AccountView({ row, reload }: { row: Batch; reload: () => void }): JSX.Element {
  const counts = [row.state, row.free, row.reserved, row.issued, row.burned, row.in_doubt, row.voided].join(' ');
  const { data, problem, reload: again } = useLoaded((signal) => api.batchAccount(row.name, signal), counts);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    root.current?.scrollIntoView({ block: 'nearest' });
  }, [data === null]);
  const done = (): void => {
    again();
    reload();
  };
  return (
    <div class="account" data-account={row.name} data-state={data?.state} ref={root}>
      {problem != null && <ProblemPanel problem={problem} reload={again} />}
      {data === null && problem == null && <p class="dim">{t.account.loading}</p>}
      {data !== null && <Sum account={data} />}
      {data !== null && <p role="status">{stateOf(row)}{row.end_reason !== null && <span class="dim"> {row.end_reason}</span>}</p>}
      {data !== null && data.state === 'open' && may('manager') && <Ends account={data} done={done} />}
    </div>
  );
}
