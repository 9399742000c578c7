// SPDX-License-Identifier: Apache-2.0
// What a tile of a size shows of itself, as classes of the element that holds the tiles; styles/tile_sizes.css has their rules.
// layout.ts aims at 190 and 170 high: what is between is room for a notice that comes and goes, so that no tile changes its
// anatomy for it. All lengths in design pixels.
import { useLayoutEffect, useState } from 'preact/hooks';

export interface Box {
  width: number;
  height: number;
}

export function tileClasses({ width, height }: Box): string[] {
  const classes: string[] = [];
  if (width < 420) classes.push('tiles-narrow');
  if (width >= 340 && height >= 164 && height < 300) classes.push('tiles-tablet');
  if (width >= 420 && height >= 300) classes.push('tiles-tall');
  if (width < 340 || height < 164) classes.push('tiles-medium');
  if (width < 200 || height < 140) classes.push('tiles-small');
  return classes;
}

// A design pixel of a large tile: shrinks where a notice takes height from the wall.
export const tileShrink = ({ height }: Box): number => Math.round(Math.min(1, height / 208) * 1000) / 1000;

// The inner size of an element that holds tiles, in CSS pixels; null before it is known. `key`: what is shown around it; a size
// that was measured beside something else is not told.
export function useInnerBox(ref: { readonly current: HTMLElement | null }, key: string): Box | null {
  const [measured, setMeasured] = useState<{ box: Box; key: string } | null>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver((entries) => {
      const room = entries[entries.length - 1]?.contentRect;
      // A hidden one has no size, and keeps what it had.
      if (room !== undefined && room.width > 0 && room.height > 0) setMeasured({ box: { width: room.width, height: room.height }, key });
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [key]);
  return measured?.key === key ? measured.box : null;
}
