// SPDX-License-Identifier: Apache-2.0
// "Screen is not live since 10:42": over everything, from 3 s without a beat until the station speaks again.
import type { JSX } from 'preact';
import { lastSeenMs, live, nextTryMs, now } from '../live/store';
import { t } from '../i18n';
import { clock, iso } from '../i18n/format';
import { Icon } from './icon';

export function LiveBanner({ wall }: { wall: boolean }): JSX.Element | null {
  if (live.value !== 'lost') return null;
  const seen = lastSeenMs.value;
  const next = nextTryMs.value;
  const seconds = next === null ? 0 : Math.ceil((next - now.value) / 1000);
  return (
    <div class="not-live" role="alert">
      <span class="not-live-sign"><Icon name="not-live" /></span>
      <span class="not-live-text">
        <strong title={seen === null ? undefined : iso(seen)}>
          {seen === null ? t.notLive.never : t.notLive.since(clock(seen))}
        </strong>
        <span>{wall ? t.notLive.wall : t.notLive.desk}</span>
      </span>
      <span class="not-live-next" aria-hidden="true">
        <span>{seconds > 0 ? t.notLive.retry(seconds) : t.notLive.trying}</span>
        <span>{t.notLive.ask}</span>
      </span>
    </div>
  );
}
