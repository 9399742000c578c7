// SPDX-License-Identifier: Apache-2.0
// What changes something runs once at a time: a second press while the first is on its way does nothing. What comes
// later is the station's to refuse (a batch of that name is loaded already, a batch is closed already).
import { useRef } from 'preact/hooks';

export type Once = (work: () => Promise<void>) => Promise<void>;

export function onceAtATime(): Once {
  let running = false;
  return async (work) => {
    if (running) return;
    running = true;
    try {
      await work();
    } finally {
      running = false;
    }
  };
}

export function useOnce(): Once {
  const once = useRef<Once | null>(null);
  once.current ??= onceAtATime();
  return once.current;
}
