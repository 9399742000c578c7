// SPDX-License-Identifier: Apache-2.0
// The language of this page: its tag is shown, the list names each in its own words.
import type { JSX } from 'preact';
import { session } from '../live/session';
import { chooseLanguage, language, languages, t, type Language } from '../i18n';

export function LanguageSelect(): JSX.Element {
  return (
    <span class="language" title={t.language.label}>
      <span aria-hidden="true">{language}</span>
      <select aria-label={t.language.label} value={language} data-language={language}
        onChange={(event) => chooseLanguage(event.currentTarget.value as Language, session.value?.name ?? null)}>
        {Object.entries(languages).map(([tag, name]) => <option key={tag} value={tag} lang={tag}>{name}</option>)}
      </select>
    </span>
  );
}
