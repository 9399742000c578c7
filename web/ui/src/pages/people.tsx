// SPDX-License-Identifier: Apache-2.0
// Accounts (admin), badges and wall screens (technician), one's own password.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { api, sentenceOf } from '../api/client';
import { accountRoles, type Account, type AccountRole, type Screen } from '../api/types';
import { askSession, may, session } from '../live/session';
import { Badge, BadgeHolders } from '../parts/badge';
import { Form } from '../parts/form';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { PasswordField } from '../parts/password_field';
import { ReasonForm } from '../parts/reason_form';
import { go } from '../router';
import { t } from '../i18n';
import { iso, when } from '../i18n/format';

function RoleChoice({ value, label, change }: { value?: AccountRole; label: string; change?: (role: AccountRole) => void }): JSX.Element {
  return (
    <select name="role" aria-label={label} value={value}
      onChange={(event) => {
        const chosen = accountRoles.find((role) => role === event.currentTarget.value);
        if (chosen && change) change(chosen);
      }}>
      {accountRoles.map((role) => <option key={role} value={role}>{t.people.roles[role]}</option>)}
    </select>
  );
}

function AccountRow({ one, reload }: { one: Account; reload: () => void }): JSX.Element {
  const problem = useSignal<string | null>(null);
  const once = useOnce();
  const change = (role: AccountRole): void => void once(async () => {
    try {
      problem.value = null;
      await api.changeRole(one.account, role);
    } catch (error) {
      problem.value = sentenceOf(error).sentence;
    } finally {
      reload();
      await askSession();
    }
  });
  return (
    <tr data-account={one.name} class={one.active ? '' : 'ended'}>
      <td><strong>{one.name}</strong>{!one.active && <span class="tag">{t.people.closed}</span>}</td>
      <td>
        {one.active ? <RoleChoice value={one.role} label={t.people.roleOf(one.name)} change={change} /> : t.people.roles[one.role]}
        {problem.value !== null && <p class="bad" role="alert">{problem.value}</p>}
      </td>
      <td><span title={iso(one.made_ms)}>{when(one.made_ms, Date.now())}</span> <small>{t.people.by(one.made_by)}</small></td>
      <td class="right">{one.sessions}</td>
      <td>{one.active && <Badge one={one} reload={reload} />}</td>
      <td>
        {one.active && (
          <ReasonForm name={`close-${one.name}`} button={t.people.close} sure={t.people.closeSure} danger label={t.reason.type(one.name)}
            typed={one.name} note={t.people.closeNote} act={() => api.closeAccount(one.account)} done={() => { reload(); void askSession(); }} />
        )}
      </td>
    </tr>
  );
}

function Accounts(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.accounts(signal), 'accounts');
  return (
    <section class="card">
      <div class="card-head"><h2>{t.people.accounts}</h2></div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && (
        <div class="table-room">
          <table class="rows tall">
            <thead><tr><th>{t.people.name}</th><th>{t.people.role}</th><th>{t.people.made}</th><th class="right">{t.people.sessions}</th><th>{t.badge.column}</th><th /></tr></thead>
            <tbody>{data.accounts.map((one) => <AccountRow key={one.account} one={one} reload={reload} />)}</tbody>
          </table>
        </div>
      )}
      <div class="card-form">
        <h3>{t.people.add}</h3>
        <Form name="account" button={t.people.addButton} send={async (field) => {
          const role = accountRoles.find((each) => each === field('role')) ?? 'operator';
          await api.makeAccount(field('name'), role, field('password'));
          reload();
          return t.people.added(field('name').trim());
        }}>
          <div class="field-row">
            <label class="field">{t.people.name}<input name="name" type="text" required maxLength={64} autocomplete="off" spellcheck={false} /></label>
            <label class="field">{t.people.role}<RoleChoice label={t.people.role} /></label>
            <PasswordField name="password" label={t.people.firstPassword} kind="new-password" />
          </div>
        </Form>
        <ul class="role-list">{accountRoles.map((role) => <li key={role}><strong>{t.people.roles[role]}</strong> {t.people.may[role]}</li>)}</ul>
      </div>
      {data !== null && <GivePassword accounts={data.accounts.filter((one) => one.active)} />}
    </section>
  );
}

function GivePassword({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  return (
    <div class="card-form">
      <h3>{t.people.give}</h3>
      <Form name="give" button={t.people.giveButton} send={async (field) => {
        const one = accounts.find((each) => String(each.account) === field('account'));
        if (!one) return undefined;
        await api.givePassword(one.account, field('password'));
        await askSession();
        return t.people.given(one.name);
      }}>
        <div class="field-row">
          <label class="field">{t.people.name}
            <select name="account">{accounts.map((one) => <option key={one.account} value={one.account}>{one.name}</option>)}</select>
          </label>
          <PasswordField name="password" label={t.people.newPassword} kind="new-password" />
        </div>
      </Form>
    </div>
  );
}

function ScreenRow({ one, reload }: { one: Screen; reload: () => void }): JSX.Element {
  return (
    <tr data-screen={one.name}>
      <td><strong>{one.name}</strong></td>
      <td><span title={iso(one.since_ms)}>{when(one.since_ms, Date.now())}</span> <small>{t.people.by(one.by)}</small></td>
      <td>
        <ReasonForm name={`revoke-${one.name}`} button={t.people.revoke} sure={t.people.revokeSure} danger label={t.reason.type(one.name)}
          typed={one.name} note={t.people.revokeNote} act={() => api.revokeScreen(one.screen)} done={reload} />
      </td>
    </tr>
  );
}

function Screens(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.screens(signal), 'screens');
  return (
    <section class="card">
      <div class="card-head"><h2>{t.people.screens}</h2></div>
      {problem !== null && <ProblemPanel problem={problem} reload={reload} />}
      {data !== null && data.screens.length === 0 && <p class="card-note">{t.people.noScreen}</p>}
      {data !== null && data.screens.length > 0 && (
        <table class="rows tall">
          <thead><tr><th>{t.people.screen}</th><th>{t.people.since}</th><th /></tr></thead>
          <tbody>{data.screens.map((one) => <ScreenRow key={one.screen} one={one} reload={reload} />)}</tbody>
        </table>
      )}
      <div class="card-form">
        <h3>{t.people.letIn}</h3>
        <Form name="screen" button={t.people.letInButton} send={async (field) => {
          await api.confirmScreen(field('code').replace(/\s/g, ''), field('name'));
          reload();
          return t.people.isIn(field('name').trim());
        }}>
          <div class="field-row">
            <label class="field">{t.screen.code}<input name="code" type="text" inputMode="numeric" required pattern="\s*\d{3}\s*\d{3}\s*" maxLength={9} autocomplete="off" /></label>
            <label class="field">{t.people.screenName}<input name="name" type="text" required maxLength={64} autocomplete="off" /></label>
          </div>
        </Form>
      </div>
    </section>
  );
}

function Own(): JSX.Element {
  return (
    <section class="card">
      <div class="card-head"><h2>{t.people.own(session.value?.name ?? '')}</h2></div>
      <div class="card-form">
        <Form name="own" button={t.people.changeOwn} send={async (field) => {
          await api.changeOwnPassword(field('old'), field('new'));
          return t.people.changedOwn;
        }}>
          <div class="field-row">
            <PasswordField name="old" label={t.people.oldPassword} kind="current-password" />
            <PasswordField name="new" label={t.people.newPassword} kind="new-password" note={t.first.rule} />
          </div>
        </Form>
      </div>
    </section>
  );
}

export function PeoplePage(): JSX.Element {
  useEffect(() => { document.title = `${t.product} – ${t.nav.people}`; }, []);
  const known = session.value;
  if (known?.open) {
    return (
      <main class="page">
        <h1>{t.nav.people}</h1>
        <section class="card"><p class="card-note">{t.people.openStation}</p><p class="card-note"><code>sudo lineside admin first-link</code></p></section>
      </main>
    );
  }
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t.nav.people}</h1>
        <span class="spring" />
        <button type="button" data-log-out onClick={() => void api.logOut().then(askSession, askSession).then(() => go('/', 'replace'))}>{t.people.logOut}</button>
      </div>
      {may('admin') && <Accounts />}
      {may('technician') && !may('admin') && <BadgeHolders />}
      {may('technician') && <Screens />}
      {known?.screen !== true && <Own />}
    </main>
  );
}
