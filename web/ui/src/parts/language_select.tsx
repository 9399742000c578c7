// SPDX-License-Identifier: Apache-2.0
// The language of this page: its tag is shown, the list names each in its own words.
import type { JSX } from 'preact';
import { api } from '../api/client';
import { session } from '../live/session';
import { chooseLanguage, language, languages, t, type Language } from '../i18n';

// Kept with the account of who is logged in; a screen, and a station without accounts, keep their own.
async function choose(chosen: Language): Promise<void> {
  const who = session.value;
  const person = who?.screen === true ? null : who?.name ?? null;
  try {
    if (person !== null) await api.chooseLanguage(chosen);
  } catch {
    // Not kept: this page turns all the same, and the account next time.
  }
  chooseLanguage(chosen, person);
}

// Before anybody is logged in there is no menu: each language in its own words, one press away.
export function LanguageRow(): JSX.Element {
  return (
    <nav class="languages" aria-label={t.language.label}>
      {Object.entries(languages).map(([tag, name]) => (
        <button key={tag} type="button" lang={tag} data-language={tag} aria-pressed={tag === language} onClick={() => void choose(tag as Language)}>{name}</button>
      ))}
    </nav>
  );
}

export function LanguageSelect(): JSX.Element {
  return (
    <span class="language" title={t.language.label}>
      <span aria-hidden="true">{language}</span>
      <select aria-label={t.language.label} value={language} data-language={language}
        onChange={(event) => void choose(event.currentTarget.value as Language)}>
        {Object.entries(languages).map(([tag, name]) => <option key={tag} value={tag} lang={tag}>{name}</option>)}
      </select>
    </span>
  );
}
