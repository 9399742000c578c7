// SPDX-License-Identifier: Apache-2.0
// Which page stands at which address.
import type { JSX } from 'preact';
import { effect, signal, untracked } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { askSession, letIn, session } from './live/session';
import { live, spoken, startLive } from './live/store';
import { LiveBanner } from './parts/live_banner';
import { startScan } from './parts/scan';
import { TrainingBanner } from './parts/training_banner';
import { FirstPage, LoginPage } from './pages/login';
import { ScreenPage } from './pages/screen';
import { WallPage } from './pages/wall';
import { place } from './router';

// The live link begins when this page is let in, not a drawn frame later.
export function startLink(): void {
  effect(() => {
    if (!letIn.value || session.value === null) return;
    const { scan } = session.value;
    untracked(() => {
      startLive();
      startScan(scan);
    });
  });
}

// Whoever is put out is shown so when the link ends.
function useLink(): void {
  useEffect(() => {
    if (session.value === null || live.value === 'lost') {
      const timer = setInterval(() => void askSession(), 2000);
      return () => clearInterval(timer);
    }
    return undefined;
  }, [session.value === null, live.value]);
}

// The wall is drawn by half of this program; the rest comes when the wall is there, or at once where it is asked for. It is fetched then, not
// when somebody goes there: a station that was updated meanwhile has other files.
const desk = signal<((props: { path: string }) => JSX.Element) | null>(null);
let fetching = false;
function fetchDesk(): void {
  if (fetching || desk.value !== null) return;
  fetching = true;
  import('./desk').then((part) => { desk.value = part.Desk; }, () => {
    // The station is away, or another version than this page. Whoever waits for a page has it begun anew, but not again and again; a wall that
    // works is left alone, and asks again when somebody goes on from it.
    const key = 'lineside.begun-anew';
    setTimeout(() => {
      fetching = false;
      if (place.peek().path === '/') return;
      if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) > 30_000) {
        sessionStorage.setItem(key, String(Date.now()));
        location.reload();
      } else fetchDesk();
    }, 2000);
  });
}
if (location.pathname !== '/') fetchDesk();

function useDesk(path: string): void {
  useEffect(() => {
    if (path !== '/' || live.value === 'live') fetchDesk();
  }, [path !== '/', live.value]);
}

function Page({ path }: { path: string }): JSX.Element {
  if (path === '/first') return <FirstPage />;
  if (session.value === null) return <LiveBanner wall={path === '/'} />;
  if (path === '/login' || !letIn.value) return path === '/' ? <ScreenPage /> : <LoginPage />;
  if (path === '/') return <WallPage />;
  const Desk = desk.value;
  return Desk === null ? <LiveBanner wall={false} /> : <Desk path={path} />;
}

export function App(): JSX.Element {
  useLink();
  useDesk(place.value.path);
  return (
    <>
      <TrainingBanner />
      <Page path={place.value.path} />
      <div class="visually-hidden" aria-live="polite" data-spoken>{spoken.value}</div>
    </>
  );
}
