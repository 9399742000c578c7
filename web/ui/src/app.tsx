// SPDX-License-Identifier: Apache-2.0
// Which page stands at which address, and the frame around the desk pages.
import type { JSX } from 'preact';
import { spoken } from './live/store';
import { DeskHeader } from './parts/desk_header';
import { LiveBanner } from './parts/live_banner';
import { GeneratePage } from './pages/generate';
import { LoadPage } from './pages/load';
import { PoolPageView } from './pages/pool';
import { RecordsPage } from './pages/records';
import { UnitPage } from './pages/unit';
import { WallPage } from './pages/wall';
import { Link, place } from './router';
import { t } from './i18n';

function NotFound(): JSX.Element {
  return (
    <main class="page">
      <h1>{t.notFound.title}</h1>
      <p><Link to="/">{t.notFound.back}</Link></p>
    </main>
  );
}

function DeskPage({ path }: { path: string }): JSX.Element {
  const unit = /^\/units\/(\d{1,15})$/.exec(path)?.[1];
  if (unit !== undefined) return <UnitPage key={unit} unit={Number(unit)} />;
  if (path === '/records') return <RecordsPage />;
  if (path === '/pool') return <PoolPageView />;
  if (path === '/pool/load') return <LoadPage />;
  if (path === '/pool/generate') return <GeneratePage />;
  return <NotFound />;
}

export function App(): JSX.Element {
  const { path } = place.value;
  return (
    <>
      {path === '/' ? <WallPage /> : (
        <div class="desk">
          <LiveBanner wall={false} />
          <DeskHeader path={path} />
          <DeskPage path={path} />
        </div>
      )}
      <div class="visually-hidden" aria-live="polite" data-spoken>{spoken.value}</div>
    </>
  );
}
