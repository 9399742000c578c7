// SPDX-License-Identifier: Apache-2.0
// History routing: the address is the state. A link is a real link, so it can be copied, opened in a tab and read.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';

export interface Place {
  path: string;
  query: URLSearchParams;
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export const place = signal<Place>(here());

addEventListener('popstate', () => {
  place.value = here();
});

export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (to === location.pathname + location.search) return;
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  place.value = here();
  if (how === 'push') scrollTo(0, 0);
}

type AnchorProps = {
  to: string;
  class?: string;
  current?: boolean;
  label?: string;
  title?: string;
  children: ComponentChildren;
};

export function Link({ to, class: cls, current, label, title, children }: AnchorProps): JSX.Element {
  return (
    <a href={to} class={cls} aria-current={current ? 'page' : undefined} aria-label={label} title={title}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
      }}>
      {children}
    </a>
  );
}
