// SPDX-License-Identifier: Apache-2.0
// The head of the wall: station, order, pool, clock; below it one line per open alarm or reason to be blocked.
import type { JSX } from 'preact';
import type { Station } from '../api/types';
import { may, session } from '../live/session';
import { clockText, lastSeenMs, live, station } from '../live/store';
import { t } from '../i18n';
import { clock, count, duration, iso, percent } from '../i18n/format';
import { Link } from '../router';
import { BadgeHolder } from './badge_holder';
import { Icon } from './icon';
import { LanguageSelect } from './language_select';
import { SoundButton } from './sound_button';
import { TrainingLink } from './training_banner';
import { TurnButton } from './turn_button';
import { ThemeButton } from './theme_button';

const signs: Readonly<Record<Station['state'], string>> = {
  ready: 'plug', running: 'play', pool_low: 'warning', blocked: 'refused',
};

function Meter({ part, mark }: { part: number; mark?: number }): JSX.Element {
  const clamp = (x: number): number => Math.max(0, Math.min(1, x));
  return (
    <span class="meter" aria-hidden="true">
      <span class="meter-fill" style={{ transform: `scaleX(${clamp(part)})` }} />
      {mark !== undefined && <span class="meter-mark" style={{ left: `${clamp(mark) * 100}%` }} />}
    </span>
  );
}

// "2:50 h", short in every language; beyond two days nobody plans by it.
function hoursText(hours: number | null): string | null {
  if (hours === null || hours > 48) return null;
  const minutes = Math.round(hours * 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`;
}

function PoolCell({ pool }: { pool: NonNullable<Station['pool']> }): JSX.Element {
  const hours = hoursText(pool.hours_left);
  return (
    <div class={pool.low ? 'top-cell top-pool low' : 'top-cell top-pool'}>
      <span class="caption">{t.wall.pool}</span>
      <span class="value">
        {pool.low && <Icon name="warning" />}
        {count(pool.left)} <small>{hours === null ? pool.name : `≈ ${hours}`}</small>
      </span>
      {pool.total > 0 && <Meter part={pool.left / pool.total} mark={pool.warn_at / pool.total} />}
    </div>
  );
}

export function TopBar(): JSX.Element | null {
  const now = station.value;
  if (!now) return null;
  const lost = live.value === 'lost';
  const time = lost ? lastSeenMs.value : clockText.value;
  return (
    <header class="top">
      <div class={`top-cell station-${now.state}`}>
        <span class="caption">{now.name}</span>
        <span class="value">
          <Icon name={signs[now.state]} />
          <span data-station-state={now.state}>{lost ? t.notLive.was(now.word) : now.word}</span>
          {now.slots > 0 && <small>{t.wall.running(now.running, now.slots)}</small>}
        </span>
      </div>
      <div class="top-cell top-order">
        <span class="caption">{now.order ? t.wall.order(now.order.name, now.order.model) : t.wall.noOrder}</span>
        <span class="value">
          {now.order ? <>{count(now.order.made)} <small>{t.wall.made(count(now.order.quantity))}</small></> : <span class="dim">{t.wall.noOrderValue}</span>}
        </span>
        {now.order && now.order.quantity > 0 && <Meter part={now.order.made / now.order.quantity} />}
      </div>
      {now.building && (
        <div class="top-cell top-image">
          <span class="caption">{t.wall.image}</span>
          <span class="value-text">{now.building.word}{now.building.percent !== null && ` ${now.building.percent} %`}</span>
          {now.building.percent !== null && <Meter part={now.building.percent / 100} />}
        </div>
      )}
      {now.pool && <PoolCell pool={now.pool} />}
      <div class="top-cell top-takt">
        <span class="caption">{t.numbers.takt}</span>
        <span class="value">{now.today.takt_s === null ? '–' : duration(now.today.takt_s)}</span>
      </div>
      <div class="top-cell top-yield">
        <span class="caption">{t.numbers.firstPass}</span>
        <span class="value" title={t.numbers.of(count(now.today.first_passed), count(now.today.first_judged))}>
          {now.today.first_judged === 0 ? '–' : percent(now.today.first_passed / now.today.first_judged)}
        </span>
      </div>
      <nav class="top-cell top-pages" aria-label={t.nav.label}>
        {may('qa') && <Link to="/records">{t.nav.records}</Link>}
        {may('qa') && <Link to="/pool">{t.nav.pool}</Link>}
        {!may('qa') && session.value?.screen !== true && <Link to="/people">{t.nav.people}</Link>}
        <TrainingLink />
        <BadgeHolder />
        <LanguageSelect />
        <ThemeButton />
        <TurnButton />
        <SoundButton />
      </nav>
      <div class="top-cell top-clock">
        <span class="caption">
          <span class={`live-dot ${live.value}`} aria-hidden="true" />
          {lost ? t.notLive.lastSeen : t.live[live.value]}
        </span>
        <span class="value" title={time === null ? undefined : iso(time)}>{time === null ? '–' : clock(time)}</span>
      </div>
    </header>
  );
}

export function Notices(): JSX.Element | null {
  const now = station.value;
  if (!now || live.value === 'lost') return null;
  const blocked = now.reason !== null && (now.state === 'blocked' || now.state === 'pool_low');
  if (!blocked && now.alarms.length === 0) return null;
  return (
    <div class="notices">
      {blocked && (
        <p class={`notice notice-${now.state}`} data-notice={now.state}>
          <Icon name={signs[now.state]} />
          <strong>{now.word}</strong> <span>{now.reason}</span>
        </p>
      )}
      {now.alarms.slice(0, 3).map((alarm) => (
        <p class="notice notice-alarm" key={alarm.id} data-alarm={alarm.code}>
          <Icon name="spanner" />
          <strong>{alarm.sentence}</strong>
          {alarm.action !== null && <span>{alarm.action}</span>}
          {alarm.slots.length > 0 && <span class="dim">{t.wall.slotsOf(alarm.slots)}</span>}
          {alarm.code === 'label.failed' && may('operator') && <Link to="/labels">{t.nav.labels}</Link>}
          {alarm.display_code !== null && <span class="notice-code">{alarm.display_code}</span>}
        </p>
      ))}
      {now.alarms.length > 3 && <p class="notice notice-alarm">{t.wall.more(now.alarms.length - 3)}</p>}
    </div>
  );
}
