// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { checkOf } from '../mock/serial_range.mjs';
import { makePool } from '../mock/pool.mjs';
import { ApiProblem } from '../src/api/client';
import type { GenerateRequest } from '../src/api/types';
import { onceAtATime } from '../src/parts/once';
import { byNumber, emptyRange, fieldProblem, nextRange, requestOf, type RangeForm } from '../src/parts/range_model';

const form = (changes: Partial<RangeForm>): RangeForm => ({ ...emptyRange('camera'), count: '5', test_only: true, ...changes });

function refusalOf(range: object): ApiProblem {
  const { status, body } = makePool().generate(range);
  if (status < 400) throw new Error('not refused');
  return new ApiProblem(body as ConstructorParameters<typeof ApiProblem>[0]);
}

describe('range that is counted', () => {
  it('sends numbers as numbers and leaves out what is empty', () => {
    expect(requestOf(form({ prefix: 'C-', width: '6', check: 'luhn:', alphabet: '0123456789ABCDEF', check_counter_only: true }))).toEqual({
      pool: 'camera', count: 5, test_only: true, prefix: 'C-', from: 1, step: 1, width: 6, check: 'luhn:0123456789ABCDEF', check_counter_only: true,
    } satisfies GenerateRequest);
    expect(requestOf(form({ from: '', step: '', check_counter_only: true }))).toEqual({ pool: 'camera', count: 5, test_only: true });
  });

  it.each<[string, Partial<RangeForm>, string[], string]>([
    ['count', { count: '0' }, ['count'], '1 to 2000000 serials at once'],
    ['width', { from: '998', width: '3' }, ['width'], 'The last counter is 1002, which has 4 digits; give at least that width, or fewer serials'],
    ['several', { from: '999999999999998', step: '900000000000000', count: '2000000' }, ['from', 'step', 'count'], 'The last counter has more than 18 digits'],
    ['prefix', { prefix: '-A' }, ['prefix', 'suffix'], "A serial holds letters, digits, '.', '_' and '-' only, and begins with a letter or a digit"],
    ['check', { prefix: 'C', check: 'luhn' }, ['check'], "Luhn is not for 'C' (it knows 0123456789); choose another, or let it cover the counter alone"],
    ['alphabet', { check: 'luhn:', alphabet: '00' }, ['alphabet'], 'The alphabet behind "luhn:" has 2 to 36 different digits and capital letters'],
    ['no token', { test_only: false }, ['token_length'], 'Without tokens a batch is for tests only; say so, or give a length'],
    ['short token', { token_length: '3' }, ['token_length'], 'With 62 different characters at least 11 are needed, or the tokens can be guessed'],
    ['token characters', { token_length: '80', token_alphabet: 'aa' }, ['token_alphabet'], 'At least 2 different printable ASCII characters, no quotation mark'],
    ['access point', { ap_ssid: 'Cam' }, ['ap_ssid'], 'Without {serial} all units would have one name; write it like Cam-{serial} or Cam-{serial:-4}'],
    ['order', { order: 'none', pool: 'camera' }, ['order'], 'There is no open order none'],
    ['name', { batch: '2611-b' }, ['batch'], 'There is a batch 2611-b already. Choose another name'],
  ])('a refusal stands at its field: %s', (_, changes, fields, text) => {
    const wrong = form(changes);
    expect(fieldProblem(refusalOf(requestOf(wrong)), wrong)).toEqual({ fields, text });
  });

  it('what names no field of the form stands above it', () => {
    expect(fieldProblem(refusalOf({ pool: 'camera' }), form({}))).toBeNull();
    expect(fieldProblem(refusalOf({ pool: 'a/b', count: 1, test_only: true }), form({}))).toBeNull();
    expect(fieldProblem(new Error('count: no'), form({}))).toBeNull();
  });

  it('has numbers instead of lines', () => {
    const complaint = { file: '', line: 2, column: 1, field: 'serial', message: 'the serial is in the pool already' };
    const check = byNumber({
      verdict: 'reject', count: 0, header: true, errors: [complaint, { ...complaint, line: 13 }], warnings: [{ ...complaint, line: 0 }], sample: [{ line: 2, serial: 'RC26-03900', token_length: null }],
    });
    expect([check.errors[0]?.line, check.errors[0]?.column, check.warnings[0]?.line, check.sample?.[0]?.line]).toEqual([1, 0, 0, 1]);
    expect(check.errors.map((one) => one.serial)).toEqual(['RC26-03900', null]);
  });

  it('goes on where the last one ended', () => {
    expect(nextRange(form({ from: '101', count: '50', step: '2', batch: 'a' }))).toMatchObject({ from: '201', batch: '' });
    expect(nextRange(form({ from: '', step: '' }))).toMatchObject({ from: '6' });
  });
});

describe('a press', () => {
  it('that comes twice does it once, and once more when the first has ended', async () => {
    const once = onceAtATime();
    let done = 0;
    let end = (): void => undefined;
    const first = once(() => new Promise((resolve) => { done += 1; end = resolve; }));
    await once(async () => { done += 1; });
    expect(done).toBe(1);
    end();
    await first;
    await once(async () => { done += 1; });
    expect(done).toBe(2);
    await expect(once(async () => { throw new Error('refused'); })).rejects.toThrow('refused');
    await once(async () => { done += 1; });
    expect(done).toBe(3);
  });
});

// The characters of serial-pool/check_digit_test.cpp.
describe('check characters of the mock', () => {
  it.each([
    ['luhn', '7992739871', '3'], ['luhn:ABCDEF', 'ABCDEF', 'E'], ['iso7064-11-2', '0000-0002-1825-009', '7'], ['iso7064-11-2', '079', 'X'],
    ['iso7064-37-2', 'G123489654321', 'Y'], ['iso7064-97-10', '794', '44'], ['iso7064-661-26', 'ISOHJ', 'TC'], ['iso7064-1271-36', 'ISO79', '3W'],
    ['iso7064-11,10', '0794', '5'], ['iso7064-27,26', 'QWERTYDVORAK', 'Y'], ['iso7064-37,36', 'A12425GABC1234002', 'M'],
  ])('%s of %s', (name, text, check) => {
    expect(checkOf(name, text)).toBe(check);
  });
});
