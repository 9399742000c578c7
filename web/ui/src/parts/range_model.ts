// SPDX-License-Identifier: Apache-2.0
// The form of a range that is counted: what goes to the station, and at which field a refusal of the station belongs.
// What a good range is the station decides.
import { ApiProblem, sentenceOf } from '../api/client';
import type { BatchCheck, Complaint, GenerateRequest } from '../api/types';

export interface RangeForm {
  pool: string;
  batch: string;
  order: string;
  prefix: string;
  from: string;
  count: string;
  step: string;
  width: string;
  suffix: string;
  check: string;          // '' none, 'luhn:' with `alphabet`
  alphabet: string;
  check_counter_only: boolean;
  token_length: string;
  token_alphabet: string;
  ap_ssid: string;
  test_only: boolean;
}

export type RangeField = keyof RangeForm;

export const emptyRange = (pool: string): RangeForm => ({
  pool, batch: '', order: '', prefix: '', from: '1', count: '', step: '1', width: '', suffix: '', check: '', alphabet: '',
  check_counter_only: false, token_length: '', token_alphabet: '', ap_ssid: '', test_only: false,
});

// An empty number is left to the station's own value; the form lets nothing but digits in.
export function requestOf(form: RangeForm): GenerateRequest {
  const texts = { batch: form.batch, order: form.order, prefix: form.prefix, suffix: form.suffix, token_alphabet: form.token_alphabet, ap_ssid: form.ap_ssid };
  const numbers = { from: form.from, step: form.step, width: form.width, token_length: form.token_length };
  const check = form.check === 'luhn:' ? `luhn:${form.alphabet}` : form.check;
  return {
    pool: form.pool, count: Number(form.count), test_only: form.test_only,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    ...Object.fromEntries(Object.entries(numbers).filter(([, text]) => text !== '').map(([name, text]) => [name, Number(text)])),
    ...(check === '' ? {} : { check, check_counter_only: form.check_counter_only }),
  };
}

export interface FieldProblem {
  fields: readonly RangeField[];
  text: string;
}

// The station names the parts before a colon: "from, step, count: the last counter has more than 18 digits".
const named: Readonly<Record<string, RangeField>> = {
  count: 'count', from: 'from', step: 'step', width: 'width', prefix: 'prefix', suffix: 'suffix', check: 'check', order: 'order',
  'token length': 'token_length', 'token alphabet': 'token_alphabet', ap_ssid: 'ap_ssid',
};

export function fieldProblem(problem: unknown, form: RangeForm): FieldProblem | null {
  if (!(problem instanceof ApiProblem)) return null;
  const { sentence, hint } = sentenceOf(problem);
  if (problem.body.code === 'batch.exists') return { fields: ['batch'], text: [sentence, hint].filter((part) => part !== null).join('. ') };
  const [, parts, what] = /^([a-z_, ]+): (.+)$/s.exec(problem.body.code === 'request.invalid' ? sentence : '') ?? [];
  if (parts === undefined || what === undefined) return null;
  const fields = parts.split(', ').map((part) => named[part]);
  if (fields.includes(undefined)) return null;
  const alphabet = form.check === 'luhn:' && what.startsWith('the alphabet');
  const shown = fields.flatMap((field) => (field === undefined ? [] : [field === 'check' && alphabet ? 'alphabet' as const : field]));
  return { fields: shown, text: `${what.charAt(0).toUpperCase()}${what.slice(1)}` };
}

// A range has numbers, not lines of a file: its first line is the header, and it has no columns. A complaint gets the
// serial from the sample where the station does not say it.
export function byNumber(check: BatchCheck): BatchCheck {
  const less = check.header === true ? 1 : 0;
  const moved = <T extends { line: number }>(one: T): T => ({ ...one, line: Math.max(0, one.line - less) });
  const serials = new Map(check.sample?.map((one) => [one.line, one.serial]));
  const numbered = (one: Complaint): Complaint => ({ ...moved(one), column: 0, serial: one.serial ?? serials.get(one.line) ?? null });
  return {
    ...check, errors: check.errors.map(numbered), warnings: check.warnings.map(numbered),
    ...(check.sample ? { sample: check.sample.map(moved) } : {}),
  };
}

// The next batch goes on where this one ended.
export function nextRange(form: RangeForm): RangeForm {
  const next = Number(form.from === '' ? '1' : form.from) + Number(form.count) * Number(form.step === '' ? '1' : form.step);
  return { ...form, batch: '', from: Number.isSafeInteger(next) ? String(next) : form.from };
}
