// SPDX-License-Identifier: Apache-2.0
// What a wall screen shows before it is let in: a code for a technician to type, and a way to log in instead.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import { askSession } from '../live/session';
import { Link } from '../router';
import { useWallRoot } from '../parts/wall_root';
import { t } from '../i18n';

const everyMs = 2000;

export function ScreenPage(): JSX.Element {
  const code = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  useWallRoot();
  useEffect(() => {
    document.title = `${t.product} – ${t.nav.wall}`;
    let ticket: string | null = null;
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = async (): Promise<void> => {
      try {
        if (ticket === null) {
          const asked = await api.askForScreen();
          ticket = asked.ticket;
          code.value = asked.code;
        } else if (await api.takeScreen(ticket)) {
          await askSession();
          return;
        }
        problem.value = null;
      } catch (error) {
        // Asked too long ago, or the station began anew: ask again.
        ticket = null;
        code.value = null;
        problem.value = sentenceOf(error).sentence;
      }
      if (!over) timer = setTimeout(() => void step(), everyMs);
    };
    void step();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
  return (
    <main class="screen-ask" data-screen-code={code.value ?? ''}>
      <p class="product">{t.product}</p>
      <h1>{t.screen.title}</h1>
      <p class="screen-code" aria-label={t.screen.code}>{code.value === null ? '······' : `${code.value.slice(0, 3)} ${code.value.slice(3)}`}</p>
      <p>{problem.value ?? t.screen.how}</p>
      <p><Link to="/login" class="button">{t.screen.instead}</Link></p>
    </main>
  );
}
