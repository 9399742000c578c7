// SPDX-License-Identifier: Apache-2.0
// A form that sends once at a time, says what came of it, and forgets what was typed when it was good.
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { sentenceOf } from '../api/client';
import { Icon } from './icon';

interface Props {
  name: string;                                   // for tests and scripts
  button: string;
  main?: boolean;
  send: (fields: (name: string) => string) => Promise<string | void>;  // a sentence to show, or nothing
  children: ComponentChildren;
}

export function Form({ name, button, main, send, children }: Props): JSX.Element {
  const busy = useSignal(false);
  const said = useSignal<{ good: boolean; text: string; hint: string | null } | null>(null);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    said.value = null;
    const data = new FormData(form);
    try {
      const text = await send((field) => String(data.get(field) ?? ''));
      form.reset();
      if (typeof text === 'string') said.value = { good: true, text, hint: null };
    } catch (problem) {
      const { sentence, hint } = sentenceOf(problem);
      said.value = { good: false, text: sentence, hint };
    } finally {
      busy.value = false;
    }
  };
  return (
    <form class="stack" data-form={name} onSubmit={(event) => { event.preventDefault(); void submit(event.currentTarget); }}>
      {said.value !== null && (
        <p class={said.value.good ? 'form-said good' : 'form-said bad'} role="alert">
          <Icon name={said.value.good ? 'pass' : 'refused'} />
          <span><strong>{said.value.text}</strong>{said.value.hint !== null && <span>{said.value.hint}</span>}</span>
        </p>
      )}
      {children}
      <button type="submit" class={main ? 'main large' : 'main'} disabled={busy.value}>{button}</button>
    </form>
  );
}
