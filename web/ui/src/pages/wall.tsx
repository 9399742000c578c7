// SPDX-License-Identifier: Apache-2.0
// The wall: a tile per slot, readable from three metres, never scrolling where the screen allows it.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { showsNumbers, useTurns } from '../live/rotation';
import { live, places, slots, watchLatency } from '../live/store';
import { FootBar } from '../parts/foot_bar';
import { jigOf, neighbour, type Jig } from '../parts/jig';
import { cellOf, gapOf, hasHands, hubGap, jigLayout, layoutFor, roomOf, type Layout } from '../parts/layout';
import { LiveBanner } from '../parts/live_banner';
import { TileView } from '../parts/tile';
import { tileClasses, tileShrink, useInnerBox } from '../parts/tile_classes';
import { Notices, TopBar } from '../parts/top_bar';
import { WallNumbersView } from '../parts/wall_numbers';
import { useWallRoot } from '../parts/wall_root';
import { t } from '../i18n';

const touchQuery = matchMedia('(pointer: coarse), (max-aspect-ratio: 1/1)');

function useTouch(): boolean {
  const [touch, setTouch] = useState(touchQuery.matches);
  useEffect(() => {
    const change = (): void => setTouch(touchQuery.matches);
    touchQuery.addEventListener('change', change);
    return () => touchQuery.removeEventListener('change', change);
  }, []);
  return touch;
}

// One design pixel: a sixteenth of the root font, which the style sheet ties to the screen on this page.
const designPixel = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

function moveFocus(event: KeyboardEvent, columns: number, jig: Jig | null): void {
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0],
  };
  const by = steps[event.key];
  if (by === undefined || !(event.currentTarget instanceof HTMLElement)) return;
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>('.tile')];
  const at = tiles.findIndex((tile) => tile === document.activeElement);
  const beside = jig !== null && at !== -1 ? neighbour(jig, tiles[at]?.dataset.slot ?? '', by[0], by[1]) : null;
  const next = jig !== null && at !== -1 ? tiles.find((tile) => tile.dataset.slot === beside) : tiles[at === -1 ? 0 : at + by[0] * columns + by[1]];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export function WallPage(): JSX.Element {
  const grid = useRef<HTMLDivElement>(null);
  const touch = useTouch();
  const names = slots.value;
  const standing = jigOf(names, places.value);
  useTurns();
  const [room, setRoom] = useState({ width: 0, height: 0, unit: 1 });

  useWallRoot();
  useEffect(() => { document.title = `${t.product} – ${t.nav.wall}`; }, []);

  // Measured while no tile is there: asked for later, all of them would be laid out twice.
  useLayoutEffect(() => {
    const measure = (): void => {
      const unit = designPixel();
      setRoom((old) => (old.width === innerWidth / unit && old.height === innerHeight / unit ? old : { width: innerWidth / unit, height: innerHeight / unit, unit }));
    };
    measure();
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  const layout = useMemo<Layout>(() => (standing === null ? null : jigLayout(standing, room.width, room.height)) ?? layoutFor(names.length, room.width, room.height),
    [room, names.length, standing === null ? '' : `${standing.columns}.${standing.lines}.${standing.hubs.length}`]);

  useEffect(() => (grid.current ? watchLatency(grid.current) : undefined), []);

  const jig = layout.jig === true ? standing : null;
  const framed = jig !== null && jig.hubs.length > 0;
  const hands = hasHands(layout.size);
  // Until the room is measured it is reckoned, so that the tiles come in their class and are laid out once.
  const box = useInnerBox(grid, hands ? 'hands' : 'foot');
  const inner = box === null ? roomOf(room.width, room.height, hands) : { width: box.width / room.unit, height: box.height / room.unit };
  const cell = cellOf(inner, layout.columns, layout.rows, framed ? hubGap : gapOf(names.length));
  const classes = ['grid', ...tileClasses(cell), framed ? 'hubs' : '', touch ? 'touch' : '', live.value === 'lost' ? 'lost' : ''].filter(Boolean).join(' ');
  return (
    <div class="wall" data-live={live.value} data-size={layout.size}>
      <LiveBanner wall />
      <TopBar />
      <Notices />
      <main class="grid-room">
        <h1 class="visually-hidden">{t.nav.wall}</h1>
        {showsNumbers.value && <WallNumbersView />}
        <div ref={grid} class={classes} hidden={showsNumbers.value} role="group" aria-label={t.wall.grid} data-size={layout.size} data-columns={layout.columns}
          style={{ '--columns': String(layout.columns), '--rows': String(layout.rows), '--tile-shrink': String(tileShrink(cell)), ...(framed ? {} : { '--tile-gap': String(gapOf(names.length)) }) }}
          onKeyDown={(event) => moveFocus(event, layout.columns, jig)}>
          {jig?.hubs.map((one) => (
            <span key={one.hub} class="hub" data-hub={one.hub} style={{ gridRow: `${one.line + 1} / span ${one.lines}`, gridColumn: `${one.place + 1} / span ${one.places}` }}><span>{one.hub}</span></span>
          ))}
          {names.map((slot) => <TileView key={slot} slot={slot} cell={jig?.cells.get(slot)} />)}
        </div>
        {names.length === 0 && (
          <p class="wall-empty">{live.value === 'live' ? t.wall.noSlots : t.wall.starting}</p>
        )}
      </main>
      <FootBar hands={hands} />
    </div>
  );
}
