// SPDX-License-Identifier: Apache-2.0
// The pages one sits at a desk for, and the frame around them. A part of its own: the wall does not wait for it (app.tsx).
import type { JSX } from 'preact';
import { DeskHeader } from './parts/desk_header';
import { LiveBanner } from './parts/live_banner';
import { SaidLine } from './parts/said_line';
import { GeneratePage } from './pages/generate';
import { LayoutPage } from './pages/layout';
import { LoadPage } from './pages/load';
import { HandoverPage } from './pages/handover';
import { HostPage } from './pages/host';
import { LabelsPage } from './pages/labels';
import { NumbersPage } from './pages/numbers';
import { NewOrderPage } from './pages/order_new';
import { OrdersPage } from './pages/orders';
import { PeoplePage } from './pages/people';
import { PoolPageView } from './pages/pool';
import { PortsPage } from './pages/ports';
import { RecipesPage } from './pages/recipes';
import { RecordsPage } from './pages/records';
import { ReplayPage } from './pages/replay';
import { SlotsPage } from './pages/slots';
import { StickersPage } from './pages/stickers';
import { UnitPage } from './pages/unit';
import { Link } from './router';
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

export function Desk({ path }: { path: string }): JSX.Element {
  return (
    <div class="desk">
      <LiveBanner wall={false} />
      <DeskHeader path={path} />
      <SaidLine />
      <DeskPage path={path} />
    </div>
  );
}
