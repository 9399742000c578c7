// SPDX-License-Identifier: Apache-2.0
// One slot: one button. The order of weight is fixed: number, word, fact, time, action or progress.
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Tile } from '../api/types';
import { live, now, stampOf, tileOf } from '../live/store';
import { t } from '../i18n';
import { Icon } from './icon';
import type { Cell } from './jig';
import { press, pressOf } from './press';
import {
  actionBudget, factOf, isQuiet, isVerdict, shortWord, smallFact, spokenTile, timeText, walkUpText, widthOf,
} from './tile_text';

export function secondsLeft(tile: Tile): number | null {
  if (tile.time_left_s === null) return null;
  if (live.value !== 'live') return tile.time_left_s;
  return Math.max(0, tile.time_left_s - Math.floor((now.value - stampOf(tile)) / 1000));
}

// `still`: of a recording, whose time does not run with the clock.
interface Shown { tile: Tile; still: boolean }
const leftOf = ({ tile, still }: Shown): number | null => (still ? tile.time_left_s : secondsLeft(tile));

// Own components, so that the tick of a countdown draws one text and not the tile.
function TimeLeft(shown: Shown): JSX.Element | null {
  const text = timeText(shown.tile, leftOf(shown));
  return text === null ? null : <span class="time">{text}</span>;
}

function Within(shown: Shown): JSX.Element {
  return <span class="fact fact-reason">{timeText(shown.tile, leftOf(shown))}</span>;
}

function SmallFact(shown: Shown): JSX.Element | null {
  const text = smallFact(shown.tile, leftOf(shown));
  return text === null ? null : <span class="small-fact">{text}</span>;
}

function Ticks({ tile }: { tile: Tile }): JSX.Element {
  const { image, serial, saved } = tile.ticks;
  return (
    <span class="ticks">
      {[image, serial, saved].map((proven, i) => (
        <span key={i} class={proven ? 'tick' : 'tick tick-open'}><Icon name="tick" /></span>
      ))}
    </span>
  );
}

function Steps({ step }: { step: number }): JSX.Element {
  return (
    <span class="steps">
      {t.wall.steps.map((word, i) => (
        <span key={word} class={i + 1 < step ? 'step done' : i + 1 === step ? 'step at' : 'step'}>{word}</span>
      ))}
    </span>
  );
}

function Foot({ tile }: { tile: Tile }): JSX.Element | null {
  if (tile.action !== null) {
    return (
      <>
        <span class="band">
          {tile.action_icon !== null && <Icon name={tile.action_icon} heavy />}
          <span class={widthOf(tile.action) > actionBudget ? 'action long' : 'action'}>{tile.action}</span>
        </span>
        {tile.button !== null && (
          <span class="key">
            <Icon name={tile.press === 'retry' ? 'retry' : tile.press === 'label' ? 'tag' : 'tick'} heavy />
            <span>{tile.button}</span>
          </span>
        )}
      </>
    );
  }
  if (tile.tone !== 'work') return null;
  return (
    <>
      {tile.percent !== null && (
        <span class="bar" key={`${tile.job ?? ''}.${tile.stage}`}>
          <span class="fill" style={{ transform: `scaleX(${tile.percent / 100})` }} />
        </span>
      )}
      {tile.step > 0 && <Steps step={tile.step} />}
    </>
  );
}

function Face({ tile, still }: Shown): JSX.Element {
  const quiet = isQuiet(tile);
  const fact = factOf(tile);
  const within = tile.time_form === 'within' && tile.note === null;
  const walkUp = walkUpText(tile);
  return (
    <span class="face" aria-hidden="true">
      <span class={tile.slot.length > 2 ? 'number long' : 'number'}>{tile.mapped ? tile.slot : t.wall.unmappedMark}</span>
      <span class="word">
        <span class="word-long">{tile.word}</span>
        <span class="word-short">{shortWord(tile)}</span>
        {tile.tone === 'fill-red' && tile.display_code !== null && <span class="code">{tile.display_code}</span>}
      </span>
      <span class="small"><SmallFact tile={tile} still={still} /></span>
      {!quiet && <span class="sign"><Icon name={tile.icon} /></span>}
      {walkUp !== null && <span class="chip-check">{walkUp}</span>}
      <span class="gutter">
        {tile.tone === 'fill-green' ? <Ticks tile={tile} /> : quiet && <Icon name={tile.icon} />}
      </span>
      {within ? <Within tile={tile} still={still} /> : fact && <span class={`fact fact-${fact.size}`}>{fact.text}</span>}
      {!within && tile.tone === 'work' && <TimeLeft tile={tile} still={still} />}
      <span class="foot">
        {!tile.mapped && <span class="port">{tile.port}</span>}
        <Foot tile={tile} />
      </span>
    </span>
  );
}

function classesOf(tile: Tile): string[] {
  const classes = ['tile', `tone-${tile.tone}`];
  if (isVerdict(tile)) classes.push('verdict');
  if (!tile.mapped) classes.push('unmapped');
  if (tile.button !== null) classes.push('has-key');
  return classes;
}

// A tile of the past: nothing to press, no time that runs.
export function TileStill({ tile }: { tile: Tile }): JSX.Element {
  return (
    <div class="cell">
      <div class={classesOf(tile).join(' ')} aria-disabled="true" role="img" aria-label={spokenTile(tile)}>
        <Face tile={tile} still />
      </div>
    </div>
  );
}

export function TileView({ slot, cell }: { slot: string; cell?: Cell | undefined }): JSX.Element | null {
  const shown = tileOf(slot).value;
  const firstState = useRef(shown?.tile.state);
  if (!shown) return null;
  const { tile } = shown;
  const what = pressOf(tile);
  const classes = classesOf(tile);
  if (what === 'acknowledge' || what === 'retry' || what === 'label') classes.push('armed');
  return (
    <div class="cell" style={cell === undefined ? undefined : { gridRow: String(cell.line + 1), gridColumn: String(cell.place + 1) }}>
      <button type="button" class={classes.join(' ')} data-slot={tile.slot} data-state={tile.state}
        data-outcome={tile.outcome ?? ''} data-ack={tile.ack} data-press={what ?? ''} data-seq={shown.seq}
        data-rev={shown.rev} aria-disabled={what === null}
        onClick={() => void press(tile)}>
        <span class="visually-hidden">{spokenTile(tile)}</span>
        <Face tile={tile} still={false} />
        {tile.state !== firstState.current && <span class="changed" aria-hidden="true" key={tile.state} />}
      </button>
    </div>
  );
}
