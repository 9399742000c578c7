// SPDX-License-Identifier: Apache-2.0
// While one of the pages that are drawn in the wall's design pixels is shown, the document scales with the screen. Counted: where one of
// them takes the other's place, the new one begins before the old one ends.
import { useLayoutEffect } from 'preact/hooks';

let shown = 0;

function change(by: number): void {
  shown += by;
  document.documentElement.classList.toggle('wall-root', shown > 0);
}

export function useWallRoot(): void {
  useLayoutEffect(() => {
    change(1);
    return () => change(-1);
  }, []);
}
