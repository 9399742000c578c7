// SPDX-License-Identifier: Apache-2.0
// The foot of the wall: what waits for a person, with the slots named; on small tiles also the hands strip, because
// those tiles have no room for an action. Slot names lead to the unit.
import type { JSX } from 'preact';
import type { SlotCount, Station, Tile } from '../api/types';
import type { ShownTile } from '../live/reducer';
import { may } from '../live/session';
import { allTiles, live, now, station, tileOf } from '../live/store';
import { Link } from '../router';
import { t } from '../i18n';
import { duration } from '../i18n/format';
import { Icon } from './icon';
import { acknowledgePassed, press } from './press';
import { SaidLine } from './said_line';
import { spokenTile } from './tile_text';

function SlotNames({ names }: { names: readonly string[] }): JSX.Element {
  const most = 8;
  return (
    <span class="foot-slots">
      ({t.wall.slotWord(names.length)}{' '}
      {names.slice(0, most).map((slot, i) => {
        const unit = tileOf(slot).value?.tile.unit ?? null;
        return (
          <span key={slot}>
            {i > 0 && ', '}
            {unit === null || !may('qa') ? slot : <Link to={`/units/${unit}`} label={t.wall.details(slot)}>{slot}</Link>}
          </span>
        );
      })}
      {names.length > most && `, ${t.wall.more(names.length - most)}`})
    </span>
  );
}

function Count({ icon, text, of, names }: {
  icon: string; text: (n: number) => string; of: SlotCount; names: boolean;
}): JSX.Element | null {
  if (of.count === 0) return null;
  return (
    <span class="foot-count">
      <Icon name={icon} heavy /> <strong>{text(of.count)}</strong> {names && <SlotNames names={of.slots} />}
    </span>
  );
}

function NextVerdict(): JSX.Element | null {
  const next = station.value?.next_verdict ?? null;
  // Read the ticking clock so that the line is never older than the tile's own countdown.
  const shown = next === null ? null : tileOf(next.slot).value;
  if (next === null || shown === null || live.value !== 'live') return null;
  void now.value;
  return <span class="foot-next">{t.wall.next(next.slot, duration(next.in_s))}</span>;
}

const needsHands: Readonly<Partial<Record<Tile['state'], number>>> = {
  needs_operator: 0, fail: 1, error: 2, timeout: 3, interrupted: 4, stopped: 5,
};

const countReady = (): number =>
  allTiles.value.filter(({ tile }) => tile.state === 'pass' && tile.ack === 'ready').length;

function PassEntry(): JSX.Element | null {
  const passed = allTiles.value.filter(({ tile }) => tile.state === 'pass');
  const ready = countReady();
  if (passed.length === 0) return null;
  const armed = ready > 0 && live.value === 'live' && may('operator');
  const body = (
    <>
      <span class="hand-what">{passed.length} <b>{t.wall.passEntry}</b></span>
      <span class="hand-do"><Icon name={armed ? 'tick' : 'arrow'} heavy />{armed ? t.wall.okAll(ready) : passed[0]?.tile.action}</span>
    </>
  );
  return armed
    ? <button type="button" class="hand hand-fill-green" data-ok-all onClick={() => void acknowledgePassed()}>{body}</button>
    : <span class="hand hand-fill-green">{body}</span>;
}

function HandEntry({ shown: { tile } }: { shown: ShownTile }): JSX.Element {
  return (
    <button type="button" class={`hand hand-${tile.tone}`} data-hand={tile.slot} onClick={() => void press(tile)}>
      <span class="visually-hidden">{spokenTile(tile)}</span>
      <span class="hand-what" aria-hidden="true">{tile.slot} <b><span class="hand-long">{tile.word}</span><span class="hand-short">{tile.short}</span> {tile.tone === 'fill-red' ? tile.display_code : null}</b></span>
      <span class="hand-do" aria-hidden="true">
        {tile.action_icon !== null && <Icon name={tile.action_icon} heavy />}
        {tile.press === null ? tile.action : tile.button ?? tile.action}
      </span>
    </button>
  );
}

// Your turn, FAIL, station problem, timed out, stopped; the PASS in one entry; last the summary.
function Hands({ counts }: { counts: Station['counts'] }): JSX.Element {
  const most = 4;
  const waiting = allTiles.value
    .filter(({ tile }) => needsHands[tile.state] !== undefined)
    .sort((a, b) => (needsHands[a.tile.state] ?? 9) - (needsHands[b.tile.state] ?? 9));
  const shown = waiting.length > most ? waiting.slice(0, most - 1) : waiting;
  return (
    <div class="hands">
      {shown.map((one) => <HandEntry key={one.tile.slot} shown={one} />)}
      {waiting.length > shown.length && <span class="hand hand-more">{t.wall.more(waiting.length - shown.length)}</span>}
      <PassEntry />
      <span class="hand hand-summary" data-summary>{t.wall.summary(counts)}</span>
    </div>
  );
}

function Summary({ counts }: { counts: Station['counts'] }): JSX.Element {
  const ready = countReady();
  const sum = Object.values(counts).reduce((n, one) => n + one.count, 0);
  return (
    <div class="summary" data-summary>
      {sum === 0 && <span class="dim">{t.wall.nothing}</span>}
      <Count icon="tick" text={t.wall.passed} of={counts.pass} names={false} />
      <Count icon="fail" text={t.wall.failed} of={counts.fail} names />
      <Count icon="spanner" text={t.wall.notJudged} of={counts.error} names />
      <Count icon="square" text={t.wall.stopped} of={counts.aborted} names />
      <Count icon="hand" text={t.wall.yourTurn} of={counts.your_turn} names />
      {ready > 0 && live.value === 'live' && may('operator') && (
        <button type="button" class="ok-all" data-ok-all onClick={() => void acknowledgePassed()}>
          <Icon name="tick" heavy />{t.wall.okAll(ready)}
        </button>
      )}
      <span class="spring" />
      <NextVerdict />
    </div>
  );
}

export function FootBar({ hands }: { hands: boolean }): JSX.Element | null {
  const counts = station.value?.counts;
  if (!counts || live.value === 'lost') return null;
  return (
    <footer class="bottom">
      <SaidLine />
      {hands ? <Hands counts={counts} /> : <Summary counts={counts} />}
    </footer>
  );
}
