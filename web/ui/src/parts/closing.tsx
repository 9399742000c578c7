// SPDX-License-Identifier: Apache-2.0
// Who closed a slot, when and why; who reopened it.
import type { JSX } from 'preact';
import type { SlotClosing } from '../api/types_slots';
import { t } from '../i18n';
import { iso, when } from '../i18n/format';
import { translated } from '../i18n/phrases';

export function Closing({ one, now = Date.now() }: { one: SlotClosing; now?: number }): JSX.Element {
  const at = when(one.at, now);
  return (
    <span class="closing" title={iso(one.at)}>
      {one.by === 'station' ? t.slots.itself(at) : t.slots.byPerson(one.by, at)}: <strong>{one.by === 'station' ? translated(one.reason) : one.reason}</strong>
      {one.reopened_by !== null && <>; {t.slots.reopenedBy(one.reopened_by, one.reopen_reason ?? '')}</>}
    </span>
  );
}
