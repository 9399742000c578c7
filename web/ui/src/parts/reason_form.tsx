// SPDX-License-Identifier: Apache-2.0
// A button that asks before it does anything: what cannot be taken back has a name and a reason on record, or, where
// the station takes no reason, is confirmed by typing what it is done to.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { sentenceOf } from '../api/client';
import { live } from '../live/store';
import { t } from '../i18n';

interface Props {
  name: string;                 // for tests and scripts
  button: string;
  label: string;
  sure: string;                 // on the button that does it
  danger?: boolean;
  note?: string;                // what will happen
  typed?: string;               // what must be typed, instead of a reason
  act: (reason: string) => Promise<unknown>;
  done: () => void;
}

const longest = 200;

export function ReasonForm({ name, button, label, sure, danger, note, typed, act, done }: Props): JSX.Element {
  const open = useSignal(false);
  const reason = useSignal('');
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (open.value) input.current?.focus();
  }, [open.value]);
  const ready = typed === undefined ? reason.value.trim() !== '' : reason.value.trim().toLowerCase() === typed.toLowerCase();
  const send = async (): Promise<void> => {
    if (busy.value || !ready) return;
    busy.value = true;
    problem.value = null;
    try {
      await act(reason.value.trim());
      open.value = false;
      reason.value = '';
      done();
    } catch (error) {
      const { sentence, hint } = sentenceOf(error);
      problem.value = [sentence, hint].filter((part) => part !== null).join(' ');
    } finally {
      busy.value = false;
    }
  };
  if (!open.value) {
    return (
      <button type="button" class={danger ? 'danger' : ''} data-ask={name} disabled={live.value !== 'live'}
        onClick={() => { open.value = true; }}>
        {button}
      </button>
    );
  }
  return (
    <form class="reason" data-reason={name} onSubmit={(event) => { event.preventDefault(); void send(); }}>
      {note !== undefined && <p>{note}</p>}
      <label>
        {label}
        <input type="text" name="reason" required maxLength={longest} autocomplete="off" value={reason.value}
          ref={input} onInput={(event) => { reason.value = event.currentTarget.value; }} />
      </label>
      <button type="submit" class={danger ? 'danger sure' : 'main'}
        disabled={busy.value || live.value !== 'live' || !ready}>
        {sure}
      </button>
      <button type="button" onClick={() => { open.value = false; reason.value = ''; problem.value = null; }}>{t.reason.cancel}</button>
      {problem.value !== null && <p class="bad" role="alert">{problem.value}</p>}
    </form>
  );
}
