// SPDX-License-Identifier: Apache-2.0
// At an enrolled screen: who works here by badge, and the end of that; else the asking for one.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client';
import { askSession, session } from '../live/session';
import { t } from '../i18n';
import { clock } from '../i18n/format';

const everyMs = 10_000; // a badge that was revoked, a shift that is over

export function BadgeHolder(): JSX.Element | null {
  const holder = session.value?.holder ?? null;
  useEffect(() => {
    if (holder === null) return undefined;
    const timer = setInterval(() => void askSession(), everyMs);
    return () => clearInterval(timer);
  }, [holder?.name]);
  if (session.value?.screen !== true) return null;
  if (holder === null) return <span class="badge-holder dim" data-holder="">{t.badge.scan}</span>;
  return (
    <span class="badge-holder" data-holder={holder.name}>
      <span><strong>{holder.name}</strong> <small title={clock(holder.until_ms)}>{t.badge.by}</small></span>
      <button type="button" data-end-shift aria-label={t.badge.endOf(holder.name)}
        onClick={() => void api.endShift().then(askSession, askSession)}>{t.badge.end}</button>
    </span>
  );
}
