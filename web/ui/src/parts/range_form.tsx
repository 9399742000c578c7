// SPDX-License-Identifier: Apache-2.0
// What a range is counted by: how a serial is put together, how many, the tokens, and where it goes. A refusal of the
// station stands at the field it names, and that field has the focus.
import type { ComponentChildren, InputHTMLAttributes, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { OrderRow, PoolPage } from '../api/types';
import { Link } from '../router';
import { t } from '../i18n';
import { nameRule } from './batch_check';
import type { FieldProblem, RangeField, RangeForm } from './range_model';

// Check systems over letters alone are not offered: a counter has digits.
const checks = ['', 'luhn', 'luhn:', 'iso7064-11,10', 'iso7064-11-2', 'iso7064-97-10', 'iso7064-37,36', 'iso7064-37-2', 'iso7064-1271-36'] as const;

interface FieldProps {
  name: RangeField;
  problem: FieldProblem | null;
  label: string;
  hint?: string;
  control: (attributes: { name: string; 'aria-invalid': boolean; 'aria-describedby': string }) => JSX.Element;
}

function Field({ name, problem, label, hint, control }: FieldProps): JSX.Element {
  const wrong = problem?.fields.includes(name) ?? false;
  const first = problem?.fields[0] === name;
  return (
    <label class={wrong ? 'field wrong' : 'field'}>{label}
      {control({ name, 'aria-invalid': wrong, 'aria-describedby': `${name}-says` })}
      <span id={`${name}-says`}>
        {first && <small class="bad" role="alert" data-problem={name}>{problem?.text}</small>}
        {hint !== undefined && <small class="dim">{hint}</small>}
      </span>
    </label>
  );
}

function Group({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return <fieldset><legend>{title}</legend>{children}</fieldset>;
}

export function RangeFormView({ form, change, problem, pools, orders, preview }: {
  form: RangeForm; change: (next: RangeForm) => void; problem: FieldProblem | null; pools: PoolPage | null; orders: readonly OrderRow[];
  preview: () => void;
}): JSX.Element {
  const root = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const first = problem?.fields[0];
    if (first !== undefined) root.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
  }, [problem]);
  type TextField = Exclude<RangeField, 'test_only' | 'check_counter_only'>;
  const text = (name: TextField, label: string, hint?: string, more: InputHTMLAttributes<HTMLInputElement> = {}): JSX.Element => (
    <Field name={name} problem={problem} label={label} {...(hint === undefined ? {} : { hint })} control={(attributes) => (
      <input type="text" autocomplete="off" spellcheck={false} maxLength={64} {...attributes} {...more} value={form[name]}
        onInput={(event) => change({ ...form, [name]: event.currentTarget.value })} />
    )} />
  );
  // 15 digits are what a number of the page holds exactly.
  const number = (name: TextField, label: string, hint?: string, more: InputHTMLAttributes<HTMLInputElement> = {}): JSX.Element =>
    text(name, label, hint, { inputMode: 'numeric', pattern: '[0-9]{1,15}', title: t.generate.digits, maxLength: 15, ...more });
  const fit = orders.filter((order) => order.pool === form.pool && order.state === 'open');
  return (
    <form class="card range-form" ref={root} onSubmit={(event) => { event.preventDefault(); preview(); }}>
      <Group title={t.generate.serialGroup}>
        <div class="field-row">
          {text('prefix', t.generate.prefix)}
          {number('from', t.generate.from)}
          {number('width', t.generate.width)}
          {text('suffix', t.generate.suffix)}
        </div>
        <p class="dim">{t.generate.shape}</p>
        <div class="field-row">
          {number('count', t.generate.count, t.generate.countHint, { required: true })}
          {number('step', t.generate.step, t.generate.stepHint)}
        </div>
        <Field name="check" problem={problem} label={t.generate.check} hint={t.generate.checkHint} control={(attributes) => (
          <select {...attributes} value={form.check} onChange={(event) => change({ ...form, check: event.currentTarget.value })}>
            {checks.map((name) => <option key={name} value={name}>{t.generate.checks[name] ?? name}</option>)}
          </select>
        )} />
        {form.check === 'luhn:' && text('alphabet', t.generate.alphabet, t.generate.alphabetHint, { required: true, maxLength: 36 })}
        {form.check !== '' && (
          <label class="check">
            <input type="checkbox" name="check_counter_only" checked={form.check_counter_only}
              onChange={(event) => change({ ...form, check_counter_only: event.currentTarget.checked })} />
            {t.generate.counterOnly}
          </label>
        )}
      </Group>
      <div class="column">
        <Group title={t.generate.tokenGroup}>
          <div class="field-row">
            {number('token_length', t.generate.tokenLength, t.generate.tokenHint)}
            {text('token_alphabet', t.generate.tokenAlphabet, t.generate.tokenAlphabetHint, { maxLength: 94 })}
          </div>
          <label class="check">
            <input name="test_only" type="checkbox" checked={form.test_only}
              onChange={(event) => change({ ...form, test_only: event.currentTarget.checked })} />
            {t.load.testOnly}
          </label>
        </Group>
        <Group title={t.generate.placeGroup}>
          <div class="field-row">
            {text('pool', t.load.pool, t.load.poolHint, { required: true, pattern: nameRule, title: t.load.nameTaken, list: 'pools' })}
            {text('batch', t.load.batch, t.generate.batchHint, { pattern: nameRule, title: t.load.nameTaken })}
          </div>
          <datalist id="pools">{pools?.pools.map((one) => <option key={one.name} value={one.name} />)}</datalist>
          <div class="field-row">
            <Field name="order" problem={problem} label={t.generate.order} control={(attributes) => (
              <select {...attributes} value={form.order} onChange={(event) => change({ ...form, order: event.currentTarget.value })}>
                <option value="">{t.generate.anyOrder}</option>
                {form.order !== '' && !fit.some((order) => order.name === form.order) && <option value={form.order}>{form.order}</option>}
                {fit.map((order) => <option key={order.id} value={order.name}>{order.name}</option>)}
              </select>
            )} />
            {text('ap_ssid', t.generate.ssid, t.generate.ssidHint)}
          </div>
        </Group>
        <p class="form-end">
          <Link to="/pool" class="button">{t.load.cancel}</Link>
          <button type="submit" class="main" data-check>{t.generate.preview}</button>
        </p>
      </div>
    </form>
  );
}
