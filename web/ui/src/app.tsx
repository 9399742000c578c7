// SPDX-License-Identifier: Apache-2.0
// Which page stands at which address, and the frame around the desk pages.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { askSession, letIn, session } from './live/session';
import { live, spoken, startLive } from './live/store';
import { DeskHeader } from './parts/desk_header';
import { LiveBanner } from './parts/live_banner';
import { SaidLine } from './parts/said_line';
import { startScan } from './parts/scan';
import { TrainingBanner } from './parts/training_banner';
import { GeneratePage } from './pages/generate';
import { LayoutPage } from './pages/layout';
import { LoadPage } from './pages/load';
import { HandoverPage } from './pages/handover';
import { HostPage } from './pages/host';
import { LabelsPage } from './pages/labels';
import { FirstPage, LoginPage } from './pages/login';
import { NumbersPage } from './pages/numbers';
import { NewOrderPage } from './pages/order_new';
import { OrdersPage } from './pages/orders';
import { PeoplePage } from './pages/people';
import { PoolPageView } from './pages/pool';
import { PortsPage } from './pages/ports';
import { RecipesPage } from './pages/recipes';
import { RecordsPage } from './pages/records';
import { ReplayPage } from './pages/replay';
import { ScreenPage } from './pages/screen';
import { SlotsPage } from './pages/slots';
import { StickersPage } from './pages/stickers';
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
  const job = /^\/jobs\/(\d{1,15})\/replay$/.exec(path)?.[1];
  if (job !== undefined) return <ReplayPage key={job} job={Number(job)} />;
  if (path === '/recipes') return <RecipesPage />;
  if (path === '/host') return <HostPage />;
  if (path === '/records') return <RecordsPage />;
  if (path === '/pool') return <PoolPageView />;
  if (path === '/pool/load') return <LoadPage />;
  if (path === '/pool/generate') return <GeneratePage />;
  if (path === '/orders') return <OrdersPage />;
  if (path === '/orders/new') return <NewOrderPage />;
  if (path === '/numbers') return <NumbersPage />;
  if (path === '/handover') return <HandoverPage />;
  if (path === '/ports') return <PortsPage />;
  if (path === '/stickers') return <StickersPage />;
  if (path === '/layout') return <LayoutPage />;
  if (path === '/slots') return <SlotsPage />;
  if (path === '/labels') return <LabelsPage />;
  if (path === '/people') return <PeoplePage />;
  return <NotFound />;
}

// The live link begins when this page is let in, and whoever is put out is shown so when it ends.
function useLink(): void {
  useEffect(() => {
    if (letIn.value) startLive();
    if (letIn.value && session.value !== null) startScan(session.value.scan);
  }, [letIn.value]);
  useEffect(() => {
    if (session.value === null || live.value === 'lost') {
      const timer = setInterval(() => void askSession(), 2000);
      return () => clearInterval(timer);
    }
    return undefined;
  }, [session.value === null, live.value]);
}

function Page({ path }: { path: string }): JSX.Element {
  if (path === '/first') return <FirstPage />;
  if (session.value === null) return <LiveBanner wall={path === '/'} />;
  if (path === '/login' || !letIn.value) return path === '/' ? <ScreenPage /> : <LoginPage />;
  if (path === '/') return <WallPage />;
  return (
    <div class="desk">
      <LiveBanner wall={false} />
      <DeskHeader path={path} />
      <SaidLine />
      <DeskPage path={path} />
    </div>
  );
}

export function App(): JSX.Element {
  useLink();
  return (
    <>
      <TrainingBanner />
      <Page path={place.value.path} />
      <div class="visually-hidden" aria-live="polite" data-spoken>{spoken.value}</div>
    </>
  );
}
