// SPDX-License-Identifier: Apache-2.0
// Open an order. What the station refuses stands at the field it is about, which has the focus; nothing was done then.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import type { OrderRequest, OrderRow, Profile } from '../api/types';
import { nameRule } from '../parts/batch_check';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { go, Link } from '../router';
import { t } from '../i18n';
import { count } from '../i18n/format';

const fields = ['name', 'profile', 'pool', 'quantity'] as const;
type FieldName = (typeof fields)[number];
interface Refusal { field: FieldName; text: string }

// "pool: there is no pool 'x'; load a batch into it first"
export function refusalOf(problem: unknown): Refusal | null {
  const [, name, what] = /^(\w+): (.+)$/s.exec(sentenceOf(problem).sentence) ?? [];
  const field = fields.find((one) => one === name);
  return field === undefined || what === undefined ? null : { field, text: `${what.charAt(0).toUpperCase()}${what.slice(1)}` };
}

function Field({ name, refusal, label, hint, children }: {
  name: FieldName; refusal: Refusal | null; label: string; hint?: string | undefined;
  children: (attributes: { name: string; 'aria-invalid': boolean; 'aria-describedby': string }) => ComponentChildren;
}): JSX.Element {
  const wrong = refusal?.field === name;
  return (
    <label class={wrong ? 'field wrong' : 'field'}>{label}
      {children({ name, 'aria-invalid': wrong, 'aria-describedby': `${name}-says` })}
      <span id={`${name}-says`}>
        {wrong && <small class="bad" role="alert" data-problem={name}>{refusal.text}</small>}
        {hint !== undefined && <small class="dim">{hint}</small>}
      </span>
    </label>
  );
}

const empty: OrderRequest = { name: '', profile: '', pool: '', quantity: 0, close_others: false, rotate_token: false, allow_no_chip: false };

// What the page can tell without asking.
function localRefusal(form: OrderRequest, orders: readonly OrderRow[]): Refusal | null {
  if (orders.some((one) => one.name === form.name)) return { field: 'name', text: t.orders.nameTaken };
  return null;
}

// A product without serials takes none out of a pool: then the form asks for no pool, and sends none.
export function requestOf(form: OrderRequest, profile: Profile | undefined): OrderRequest {
  return profile?.serials === false ? { ...form, pool: '', rotate_token: false } : form;
}

export function NewOrderPage(): JSX.Element {
  const { data, problem, reload } = useLoaded((signal) => api.orders(signal), 'orders');
  const { data: pools } = useLoaded((signal) => api.pool(signal), 'pools');
  const [form, setForm] = useState<OrderRequest>(empty);
  const [caught, setCaught] = useState<unknown>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const root = useRef<HTMLFormElement>(null);
  const once = useOnce();
  useEffect(() => {
    document.title = `${t.product} – ${t.orders.open}`;
  }, []);
  useEffect(() => {
    if (refusal !== null) root.current?.querySelector<HTMLElement>(`[name="${refusal.field}"]`)?.focus();
  }, [refusal]);
  useEffect(() => {
    const first = data?.profiles[0]?.id;
    const pool = pools?.pools[0]?.name;
    setForm((old) => ({ ...old, profile: old.profile === '' ? first ?? '' : old.profile, pool: old.pool === '' ? pool ?? '' : old.pool }));
  }, [data, pools]);

  const profile = data?.profiles.find((one) => one.id === form.profile);
  const model = profile?.model;
  const serials = profile?.serials !== false;
  const models = new Map(data?.profiles.map((one) => [one.id, one.model]));
  const others = (data?.orders ?? []).filter((one) => one.state !== 'closed' && models.get(one.profile) === model);
  const pool = pools?.pools.find((one) => one.name === form.pool);
  const poolHint = pool === undefined ? undefined
    : form.quantity > pool.free ? t.orders.tooFew(count(pool.free)) : t.orders.left(count(pool.free));
  const set = <K extends keyof OrderRequest>(name: K, value: OrderRequest[K]): void => setForm((old) => ({ ...old, [name]: value }));
  const send = (): void => void once(async () => {
    const local = localRefusal(form, data?.orders ?? []);
    setCaught(null);
    setRefusal(local);
    if (local !== null) return;
    try {
      await api.openOrder(requestOf(form, profile));
      go('/orders');
    } catch (error) {
      setRefusal(refusalOf(error));
      setCaught(error);
    }
  });
  return (
    <main class="page">
      <div class="page-head"><h1>{t.orders.open}</h1></div>
      {problem != null && <ProblemPanel problem={problem} reload={reload} />}
      {caught != null && refusal === null && <ProblemPanel problem={caught} />}
      {data !== null && (
        <form class="card order-form" ref={root} data-form="order" onSubmit={(event) => { event.preventDefault(); send(); }}>
          <div class="column">
            <Field name="name" refusal={refusal} label={t.orders.name} hint={t.orders.nameHint}>
              {(attributes) => <input type="text" autocomplete="off" spellcheck={false} required maxLength={64} pattern={nameRule} title={t.load.nameTaken}
                {...attributes} value={form.name} onInput={(event) => set('name', event.currentTarget.value)} />}
            </Field>
            <Field name="profile" refusal={refusal} label={t.orders.product} hint={model}>
              {(attributes) => (
                <select {...attributes} value={form.profile} onChange={(event) => set('profile', event.currentTarget.value)}>
                  {data.profiles.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
                </select>
              )}
            </Field>
            {serials ? (
              <Field name="pool" refusal={refusal} label={t.orders.pool} hint={poolHint}>
                {(attributes) => (
                  <select {...attributes} value={form.pool} onChange={(event) => set('pool', event.currentTarget.value)}>
                    {pools?.pools.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
                  </select>
                )}
              </Field>
            ) : <p class="dim" data-no-serials>{t.orders.noSerials}</p>}
            <Field name="quantity" refusal={refusal} label={t.orders.quantity}>
              {(attributes) => <input type="text" inputMode="numeric" pattern="[0-9]{1,7}" title={t.generate.digits} autocomplete="off" required {...attributes} value={form.quantity === 0 ? '' : form.quantity}
                onInput={(event) => set('quantity', Number(event.currentTarget.value))} />}
            </Field>
          </div>
          <div class="column">
            {others.length > 0 && (
              <label class="check">
                <input type="checkbox" name="close_others" checked={form.close_others} onChange={(event) => set('close_others', event.currentTarget.checked)} />
                <span>{t.orders.closeOthers(others.map((one) => one.name).join(', '))}<small>{t.orders.closeOthersHint}</small></span>
              </label>
            )}
            {serials && (
              <label class="check">
                <input type="checkbox" name="rotate_token" checked={form.rotate_token} onChange={(event) => set('rotate_token', event.currentTarget.checked)} />
                <span>{t.orders.rotates}<small>{t.orders.rotatesHint}</small></span>
              </label>
            )}
            <label class="check">
              <input type="checkbox" name="allow_no_chip" checked={form.allow_no_chip} onChange={(event) => set('allow_no_chip', event.currentTarget.checked)} />
              <span>{t.orders.noChip}<small>{t.orders.noChipHint}</small></span>
            </label>
            <p class="dim">{t.orders.locks}</p>
            <p class="form-end">
              <Link to="/orders" class="button">{t.load.cancel}</Link>
              <button type="submit" class="main">{t.orders.openNow}</button>
            </p>
          </div>
        </form>
      )}
    </main>
  );
}
