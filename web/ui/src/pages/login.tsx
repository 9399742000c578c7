// SPDX-License-Identifier: Apache-2.0
// Logging in, and making the first account by a link. Both leave the page they were called for in the address.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client';
import { askSession } from '../live/session';
import { Form } from '../parts/form';
import { Icon } from '../parts/icon';
import { LanguageRow } from '../parts/language_select';
import { PasswordField } from '../parts/password_field';
import { go, place } from '../router';
import { t } from '../i18n';

export function Gate({ left, title, children }: { left: ComponentChildren; title: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="gate desk">
      <div class="gate-card">
        <section class="gate-left">
          <p class="gate-product">{t.product}</p>
          {left}
        </section>
        <main class="gate-right">
          <h1>{title}</h1>
          {children}
        </main>
      </div>
      <div class="gate-foot"><LanguageRow /><p>{t.login.carryOn}</p></div>
    </div>
  );
}

export function LoginPage(): JSX.Element {
  useEffect(() => { document.title = `${t.product} – ${t.login.title}`; }, []);
  const enter = async (field: (name: string) => string): Promise<void> => {
    await api.logIn(field('name'), field('password'));
    await askSession();
    if (place.value.path === '/login') go('/', 'replace');
  };
  return (
    <Gate title={t.login.title} left={
      <div class="gate-words">
        <Icon name="lock" />
        <p class="gate-big">{t.login.who}</p>
        <p class="dim">{t.login.why}</p>
      </div>
    }>
      <Form name="login" button={t.login.button} main send={enter}>
        <label class="field">{t.login.name}<input name="name" type="text" required maxLength={64} autocomplete="username" autocapitalize="none" spellcheck={false} /></label>
        <PasswordField name="password" label={t.login.password} kind="current-password" />
      </Form>
      <p class="dim">{t.login.forgotten}</p>
    </Gate>
  );
}

export function FirstPage(): JSX.Element {
  useEffect(() => { document.title = `${t.product} – ${t.first.title}`; }, []);
  // The code stands behind '#', so that only this page ever sees it; nor does the address line keep it.
  const code = location.hash.slice(1);
  const make = async (field: (name: string) => string): Promise<void> => {
    await api.useFirstLink(code, field('name'), field('password'));
    await askSession();
    go('/people', 'replace');
  };
  return (
    <Gate title={t.first.title} left={
      <div class="gate-words">
        <Icon name="lock" />
        <p class="gate-big">{t.first.big}</p>
        <p class="dim">{t.first.why}</p>
      </div>
    }>
      {code === '' ? <p class="form-said bad" role="alert"><Icon name="refused" /><span><strong>{t.first.noCode}</strong></span></p> : (
        <Form name="first" button={t.first.button} main send={make}>
          <label class="field">{t.login.name}<input name="name" type="text" required maxLength={64} autocomplete="username" autocapitalize="none" spellcheck={false} /></label>
          <PasswordField name="password" label={t.login.password} kind="new-password" note={t.first.rule} />
        </Form>
      )}
    </Gate>
  );
}
