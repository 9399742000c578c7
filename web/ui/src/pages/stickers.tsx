// SPDX-License-Identifier: Apache-2.0
// Stickers for the slots, to print: the number large, and the code that a scanner reads as this slot.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { encode } from 'uqr';
import { allTiles } from '../live/store';
import { Link } from '../router';
import { t } from '../i18n';

function Code({ text }: { text: string }): JSX.Element {
  const { data, size } = encode(text, { ecc: 'M', border: 2 });
  const path = data.map((line, y) => line.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')).join('')).join('');
  return <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t.stickers.code(text)} shape-rendering="crispEdges"><path d={path} /></svg>;
}

export function StickersPage(): JSX.Element {
  const slots = allTiles.value.filter(({ tile }) => tile.mapped).map(({ tile }) => tile.slot);
  useEffect(() => { document.title = `${t.product} – ${t.stickers.title}`; }, []);
  return (
    <main class="page stickers-page">
      <div class="page-head">
        <h1>{t.stickers.title}</h1><span class="spring" /><Link to="/ports">{t.ports.title}</Link>
        <button type="button" class="main" data-print onClick={() => window.print()}>{t.handover.print}</button>
      </div>
      <p class="dim no-print">{t.stickers.how}</p>
      <div class="stickers">
        {slots.map((slot) => <div key={slot} class="sticker" data-sticker={slot}><b class={slot.length > 3 ? 'long' : ''}>{slot}</b><Code text={slot} /></div>)}
      </div>
    </main>
  );
}
