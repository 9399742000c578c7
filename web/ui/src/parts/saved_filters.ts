// SPDX-License-Identifier: Apache-2.0
// Filters under a name, kept on this screen: "Order 2611-07, failed". The newest name stands first. Pure but for the storage.
import { addressOf, filtersOf, type Filters } from './record_query';

export interface Saved { name: string; filters: Filters }

export const mostSaved = 20;
const key = 'lineside.filters';

// What is not ours, or of an older page, is left out.
export function readSaved(text: string | null): Saved[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(list)) return [];
    return list.flatMap((one: unknown) => {
      if (typeof one !== 'object' || one === null || !('name' in one) || !('query' in one)) return [];
      const { name, query } = one;
      return typeof name === 'string' && name !== '' && typeof query === 'string' ? [{ name, filters: filtersOf(new URLSearchParams(query)) }] : [];
    }).slice(0, mostSaved);
  } catch {
    return [];
  }
}

export const writeSaved = (saved: readonly Saved[]): string =>
  JSON.stringify(saved.map(({ name, filters }) => ({ name, query: addressOf(filters).split('?')[1] ?? '' })));

// The same name again takes the place of the former.
export const withSaved = (saved: readonly Saved[], name: string, filters: Filters): Saved[] =>
  [{ name, filters }, ...saved.filter((one) => one.name !== name)].slice(0, mostSaved);

export function loadSaved(): Saved[] {
  try {
    return readSaved(localStorage.getItem(key));
  } catch {
    return [];
  }
}

export function keepSaved(saved: readonly Saved[]): void {
  try {
    localStorage.setItem(key, writeSaved(saved));
  } catch {
    // Then they last as long as this page.
  }
}
