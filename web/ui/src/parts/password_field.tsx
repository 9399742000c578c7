// SPDX-License-Identifier: Apache-2.0
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { t } from '../i18n';

interface Props {
  name: string;
  label: string;
  kind: 'current-password' | 'new-password';
  note?: string;
}

export function PasswordField({ name, label, kind, note }: Props): JSX.Element {
  const shown = useSignal(false);
  const same = { name, required: true, maxLength: 256, spellcheck: false, ...(kind === 'new-password' && { minLength: 10 }) };
  return (
    <label class="field">
      {label}
      <span class="field-room">
        {shown.value ? <input type="text" autocomplete="off" {...same} /> : <input type="password" autocomplete={kind} {...same} />}
        <button type="button" class="plain" aria-pressed={shown.value} onClick={() => { shown.value = !shown.value; }}>
          {shown.value ? t.login.hide : t.login.show}
        </button>
      </span>
      {note !== undefined && <small class="dim">{note}</small>}
    </label>
  );
}
