// SPDX-License-Identifier: Apache-2.0
// Filters of the records page: kept in the address as a person wrote them (local times), sent to the station in its
// own form (UTC milliseconds). Pure; test/record_query.test.ts.
export const filterNames = [
  'serial_from', 'serial_to', 'since', 'until', 'result', 'order', 'batch', 'image', 'slot', 'operator', 'code', 'shift', 'day',
] as const;
export type FilterName = (typeof filterNames)[number];
export type Filters = { readonly [name in FilterName]?: string };

export const outcomes = ['PASS', 'FAIL', 'ERROR', 'ABORTED'] as const;

export function filtersOf(query: URLSearchParams): Filters {
  const filters: { [name in FilterName]?: string } = {};
  for (const name of filterNames) {
    const value = query.get(name)?.trim();
    if (value) filters[name] = value;
  }
  return filters;
}

export function addressOf(filters: Filters): string {
  const query = new URLSearchParams();
  for (const name of filterNames) {
    const value = filters[name]?.trim();
    if (value) query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? '/records' : `/records?${text}`;
}

// "2026-11-20T06:00" is local; "2026-11-20" is local midnight. What cannot be read is left out.
export function localToMs(text: string): number | null {
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text;
  const ms = new Date(whole).getTime();
  return Number.isFinite(ms) ? ms : null;
}

export function apiQuery(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of filterNames) {
    const value = filters[name];
    if (value === undefined) continue;
    if (name === 'since' || name === 'until') {
      const ms = localToMs(value);
      if (ms !== null) query.set(name, String(ms));
    } else {
      query.set(name, value);
    }
  }
  return query;
}

export function resultsOf(filters: Filters): ReadonlySet<string> {
  return new Set(filters.result === undefined ? outcomes : filters.result.split(','));
}

// All four chosen, or none, is the same as no filter.
export function withResult(filters: Filters, outcome: string, on: boolean): Filters {
  const chosen = new Set(resultsOf(filters));
  if (on) chosen.add(outcome);
  else chosen.delete(outcome);
  const { result: _dropped, ...rest } = filters;
  const list = outcomes.filter((one) => chosen.has(one));
  return list.length === 0 || list.length === outcomes.length ? rest : { ...rest, result: list.join(',') };
}

export function without(filters: Filters, name: FilterName): Filters {
  const { [name]: _dropped, ...rest } = filters;
  return rest;
}
