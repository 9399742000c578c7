// SPDX-License-Identifier: Apache-2.0
// Orders: what is made, how far it is, what holds it up; and the images it is made with.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, sentenceOf } from '../api/client';
import type { ImageRow, OrderRow, Pool } from '../api/types';
import { may } from '../live/session';
import { live, now, station } from '../live/store';
import { Icon } from '../parts/icon';
import { ImagesCard, ReleaseTag, shortKey } from '../parts/image_releases';
import { inForceText } from '../parts/in_force';
import { ProblemPanel, useLoaded } from '../parts/load_state';
import { useOnce } from '../parts/once';
import { ReasonForm } from '../parts/reason_form';
import { Link } from '../router';
import { t } from '../i18n';
import { count, iso, when } from '../i18n/format';

// Pausing takes nothing from anybody, so it asks nothing.
function Pause({ order, reload }: { order: OrderRow; reload: () => void }): JSX.Element {
  const problem = useSignal<string | null>(null);
  const once = useOnce();
  const paused = order.state === 'paused';
  const press = (): void => void once(async () => {
    try {
      problem.value = null;
      await (paused ? api.resumeOrder(order.name) : api.pauseOrder(order.name));
      reload();
    } catch (error) {
      problem.value = sentenceOf(error).sentence;
    }
  });
  return (
    <>
      <button type="button" class={paused ? 'main' : ''} data-pause={order.name} disabled={live.value !== 'live'} onClick={press}>
        {paused ? t.orders.resume : t.orders.pause}
      </button>
      {problem.value !== null && <p class="bad" role="alert">{problem.value}</p>}
    </>
  );
}

function Made({ order }: { order: OrderRow }): JSX.Element {
  const share = Math.min(1, order.made / order.quantity);
  return (
    <div class="made">
      <b>{t.orders.ofQuantity(count(order.made), count(order.quantity))}</b>
      <span class="made-bar" aria-hidden="true"><span style={{ width: `${share * 100}%` }} /></span>
    </div>
  );
}

function Terms({ order }: { order: OrderRow }): JSX.Element | null {
  const terms = [...(order.rotate_token ? [t.orders.rotates] : []), ...(order.allow_no_chip ? [t.orders.noChip] : [])];
  return terms.length === 0 ? null : <small>{terms.join(', ')}</small>;
}

function InForce({ order }: { order: OrderRow }): JSX.Element | null {
  if (order.in_force === null || Object.keys(order.in_force).length === 0) return null;
  return <small data-in-force={order.name}>{t.orders.inForce(inForceText(order.in_force))}</small>;
}

interface RowProps { order: OrderRow; image: ImageRow | undefined; pool: Pool | undefined; reload: () => void }

function Row({ order, image, pool, reload }: RowProps): JSX.Element {
  const ended = order.state === 'closed';
  const stuck = order.changed ?? order.image_error;
  const { account } = order;
  const row = (
    <tr data-order={order.name} data-state={order.state} class={ended ? 'ended' : ''}>
      <td>
        <b>{order.name}</b> <span class="tag" data-tag={order.state}>{t.orders.states[order.state]}</span>
        {ended && order.end_reason !== null && <small>{t.orders.closedBy(order.ended_by ?? t.account.unknown, order.ended_at === null ? '' : when(order.ended_at, now.peek()), order.end_reason)}</small>}
      </td>
      <td><Made order={order} /></td>
      <td class="right">{count(account.failed)}</td>
      <td class="right">{count(account.in_work)}</td>
      <td>{order.profile}<small>{order.model}</small><Terms order={order} /></td>
      <td>{order.image_id === null ? <span class="dim">{t.orders.noImageYet}</span> : <span class="mono" title={order.image_id}>{shortKey(order.image_id)}</span>}
        {!ended && image !== undefined && <small><ReleaseTag image={image} /></small>}<InForce order={order} /></td>
      <td><Link to={`/pool?pool=${encodeURIComponent(order.pool)}`}>{order.pool}</Link>
        {!ended && pool !== undefined && <small class={pool.low || pool.free === 0 ? 'bad' : ''}>{t.orders.left(count(pool.free))}</small>}</td>
      <td class="opened" title={iso(order.opened_at)}>{t.pool.by(order.opened_by, when(order.opened_at, now.peek()))}</td>
      {may('manager') && (
        <td>
          {!ended && (
            <div class="row-actions">
              {order.state !== 'done' && <Pause order={order} reload={reload} />}
              <ReasonForm name={`close-${order.name}`} button={t.orders.close} label={t.reason.why} sure={t.orders.closeSure} danger
                note={[
                  t.orders.account(count(account.units), count(account.passed), count(account.failed), count(account.in_work)),
                  ...(account.in_work > 0 ? [t.orders.finish] : []), t.orders.forGood,
                ].join(' ')}
                act={(reason) => api.closeOrder(order.name, reason)} done={reload} />
            </div>
          )}
        </td>
      )}
    </tr>
  );
  if (ended || stuck === null) return row;
  return <>{row}<tr class="stuck" data-stuck={order.name}><td colSpan={9}><p><Icon name="warning" /> {stuck}</p></td></tr></>;
}

export function OrdersPage(): JSX.Element {
  // What the wall says of the order changes when a unit passed: the table follows.
  const order = station.value?.order;
  const key = [order?.id, order?.made, station.value?.reason, station.value?.running].join(' ');
  const { data, problem, reload } = useLoaded((signal) => api.orders(signal), key);
  const images = useLoaded((signal) => api.images(signal), key);
  const pools = useLoaded((signal) => api.pool(signal), key);
  useEffect(() => {
    document.title = `${t.product} – ${t.nav.orders}`;
  }, []);
  const again = (): void => {
    reload();
    images.reload();
    pools.reload();
  };
  const manager = may('manager');
  return (
    <main class="page">
      <div class="page-head"><h1>{t.nav.orders}</h1><span class="spring" />
        {manager && <Link to="/orders/new" class="button main">{t.orders.open}</Link>}
      </div>
      {problem != null && <ProblemPanel problem={problem} reload={again} />}
      {data !== null && (
        <section class="card">
          {data.orders.length === 0 ? <p class="card-note">{t.orders.none}</p> : (
            <div class="table-room">
              <table class="rows tall orders">
                <thead>
                  <tr>
                    <th>{t.orders.order}</th><th>{t.orders.made}</th><th class="right">{t.orders.failed}</th><th class="right">{t.orders.inWork}</th>
                    <th>{t.orders.product}</th><th>{t.orders.image}</th><th>{t.orders.pool}</th><th class="opened">{t.orders.opened}</th>
                    {manager && <th><span class="visually-hidden">{t.orders.actions}</span></th>}
                  </tr>
                </thead>
                <tbody>
                  {data.orders.map((one) => (
                    <Row key={one.id} order={one} reload={again} image={images.data?.images.find((each) => each.id === one.image_id)}
                      pool={pools.data?.pools.find((each) => each.name === one.pool)} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </section>
      )}
      {images.data !== null && <ImagesCard answer={images.data} reload={again} />}
    </main>
  );
}
