// SPDX-License-Identifier: Apache-2.0
// Head of the desk pages: the three pages, one field that finds a unit by serial or slot, and whether all this is live.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { sentenceOf } from '../api/client';
import { may, session } from '../live/session';
import { clockText, lastSeenMs, live } from '../live/store';
import { go, Link } from '../router';
import { t } from '../i18n';
import { clock, iso } from '../i18n/format';
import { tileBy, unitOnRecord } from './find_unit';
import { Icon } from './icon';
import { LanguageSelect } from './language_select';
import { TrainingLink } from './training_banner';
import { ThemeButton } from './theme_button';

function Find(): JSX.Element {
  const answer = useSignal<string | null>(null);
  const find = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const what = String(new FormData(form).get('what') ?? '').trim();
    if (what === '') return;
    try {
      const unit = tileBy(what)?.unit ?? await unitOnRecord(what);
      answer.value = unit === null ? t.find.none(what) : null;
      if (unit !== null) {
        form.reset();
        go(`/units/${unit}`);
      }
    } catch (problem) {
      answer.value = sentenceOf(problem).sentence;
    }
  };
  return (
    <form class="find" role="search" onSubmit={(event) => void find(event)}>
      <Icon name="search" />
      <input name="what" type="text" maxLength={64} autoComplete="off" spellcheck={false}
        aria-label={t.find.label} placeholder={t.find.placeholder} onInput={() => { answer.value = null; }} />
      {answer.value !== null && <p class="find-answer" role="alert">{answer.value}</p>}
    </form>
  );
}

export function DeskHeader({ path }: { path: string }): JSX.Element {
  const lost = live.value === 'lost';
  const time = lost ? lastSeenMs.value : clockText.value;
  return (
    <header class="desk-head">
      <span class="product">{t.product}</span>
      <nav aria-label={t.nav.label}>
        <Link to="/">{t.nav.wall}</Link>
        {may('qa') && <Link to="/records" current={path === '/records' || path.startsWith('/units/') || path.startsWith('/jobs/')}>{t.nav.records}</Link>}
        {may('qa') && <Link to="/pool" current={path.startsWith('/pool')}>{t.nav.pool}</Link>}
        {may('qa') && <Link to="/orders" current={path.startsWith('/orders')}>{t.nav.orders}</Link>}
        {may('qa') && <Link to="/numbers" current={path === '/numbers' || path === '/handover'}>{t.nav.numbers}</Link>}
        {may('operator') && <Link to="/slots" current={['/slots', '/layout', '/ports', '/stickers'].includes(path)}>{t.nav.slots}</Link>}
        {may('technician') && <Link to="/recipes" current={path === '/recipes' || path === '/host'}>{t.nav.station}</Link>}
        {may('operator') && <Link to="/labels" current={path === '/labels'}>{t.nav.labels}</Link>}
        <TrainingLink />
        <Link to="/people" current={path === '/people'}>{t.nav.people}</Link>
      </nav>
      <span class="spring" />
      {may('qa') && <Find />}
      {session.value?.name != null && <span class="desk-who" data-who={session.value.role}>{session.value.name}</span>}
      <span class="desk-live" title={time === null ? undefined : iso(time)}>
        <span class={`live-dot ${live.value}`} aria-hidden="true" />
        {t.live[live.value]} {live.value === 'live' && time !== null && clock(time)}
      </span>
      <LanguageSelect />
      <ThemeButton />
    </header>
  );
}
