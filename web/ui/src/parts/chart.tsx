// SPDX-License-Identifier: Apache-2.0
// What the charts share: a card with title, corner and sentence, drawn as wide as its room, and the same as a table.
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';

interface Props {
  name: string;                                  // for tests and scripts
  title: string;
  corner: string;
  sentence?: string | null;
  height: number;                                // px
  draw: (width: number) => JSX.Element;          // svg content
  head: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const room = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const box = room.current;
    if (!box) return undefined;
    const watch = new ResizeObserver(() => setWidth(Math.floor(box.clientWidth)));
    watch.observe(box);
    setWidth(Math.floor(box.clientWidth));
    return () => watch.disconnect();
  }, []);
  return [room, width];
}

export function Card({ name, title, corner, children }: { name: string; title: string; corner: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="card chart" data-chart={name}>
      <div class="card-head"><h2>{title}</h2><span class="dim">{corner}</span></div>
      {children}
    </section>
  );
}

export function AsTable({ head, rows }: Pick<Props, 'head' | 'rows'>): JSX.Element {
  return (
    <details class="as-table">
      <summary>{t.numbers.asTable}</summary>
      <div class="table-room">
        <table class="rows">
          <thead><tr>{head.map((text, i) => <th key={text} class={i === 0 ? '' : 'right'}>{text}</th>)}</tr></thead>
          <tbody>{rows.map((row) => <tr key={String(row[0])}>{row.map((cell, i) => <td key={i} class={i === 0 ? '' : 'right'}>{cell}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </details>
  );
}

export function Chart({ name, title, corner, sentence, height, draw, head, rows }: Props): JSX.Element {
  const [room, width] = useWidth();
  return (
    <Card name={name} title={title} corner={corner}>
      <div class="chart-room" ref={room} style={{ height: `${height}px` }}>
        {width > 0 && <svg width={width} height={height} role="img" aria-label={`${title}. ${sentence ?? ''}`}>{draw(width)}</svg>}
      </div>
      {sentence != null && <p class="chart-sentence">{sentence}</p>}
      <AsTable head={head} rows={rows} />
    </Card>
  );
}
