// SPDX-License-Identifier: Apache-2.0
// Every word the page itself says, in the language that was chosen; what the station says is put into it by `localise`.
// A language is loaded before anything is drawn and holds until the page is loaded anew, so that texts are plain values.
import { en, type Texts } from './en';
import { setPhrases, type Phrases } from './phrases';

export type { Texts };

export const languages = { en: 'English', de: 'Deutsch', es: 'Español', vi: 'Tiếng Việt', zh: '简体中文' } as const;
export type Language = keyof typeof languages;

export let t: Texts = en;
export let language: Language = 'en';

export interface Loaded { texts: Texts; phrases: Phrases }
export const loaders: Readonly<Record<Exclude<Language, 'en'>, () => Promise<Loaded>>> = {
  de: async () => ({ texts: (await import('./de')).de, phrases: (await import('./station_de')).stationDe }),
  es: async () => ({ texts: (await import('./es')).es, phrases: (await import('./station_es')).stationEs }),
  vi: async () => ({ texts: (await import('./vi')).vi, phrases: (await import('./station_vi')).stationVi }),
  zh: async () => ({ texts: (await import('./zh')).zh, phrases: (await import('./station_zh')).stationZh }),
};

const key = 'lineside.language';
const isLanguage = (text: string | null | undefined): text is Language => text != null && text in languages;

function stored(of: string): Language | null {
  try {
    const value = localStorage.getItem(of);
    return isLanguage(value) ? value : null;
  } catch {
    return null; // storage may be off
  }
}

const ofPerson = (person: string): string => `${key}.${person.toLowerCase()}`;

function browsers(): Language | null {
  for (const wanted of navigator.languages) {
    const plain = wanted.toLowerCase().split('-')[0];
    if (isLanguage(plain)) return plain;
  }
  return null;
}

export async function startLanguage(): Promise<void> {
  const wanted = stored(key) ?? browsers() ?? 'en';
  if (wanted === 'en') return;
  try {
    const loaded = await loaders[wanted]();
    t = loaded.texts;
    language = wanted;
    setPhrases(loaded.phrases);
  } catch {
    return; // the station is not there: English, and the page says that it is not live
  }
  document.documentElement.lang = t.language.locale;
}

// For who is logged in, and for this screen until somebody else is. The page is loaded anew.
export function chooseLanguage(chosen: Language, person: string | null): void {
  try {
    localStorage.setItem(key, chosen);
    if (person !== null) localStorage.setItem(ofPerson(person), chosen);
  } catch {
    return;
  }
  location.reload();
}

// Somebody logged in: the page turns to what is kept with the account, or to what that person chose here before it was kept.
export function turnTo(person: string, kept: string | null): void {
  const chosen = isLanguage(kept) ? kept : stored(ofPerson(person));
  if (chosen !== null && chosen !== language && stored(key) !== chosen) chooseLanguage(chosen, null);
}
