// SPDX-License-Identifier: Apache-2.0
// Which images units may be made with, who said so, and the buttons to say it.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { api, sentenceOf } from '../api/client';
import type { ImageRow, ImagesAnswer } from '../api/types';
import { may } from '../live/session';
import { live, now } from '../live/store';
import { t } from '../i18n';
import { iso, when } from '../i18n/format';
import { Icon } from './icon';
import { useOnce } from './once';
import { ReasonForm } from './reason_form';

export const shortKey = (key: string): string => key.slice(0, 12);

export function ReleaseTag({ image }: { image: ImageRow }): JSX.Element {
  const { release } = image;
  const state = release.how ?? (release.withdrawn ? 'withdrawn' : 'waits');
  const icon = release.how === 'emergency' ? 'warning' : release.may_start ? 'pass' : 'hourglass';
  return (
    <span class={`release ${state}`} data-release={state}>
      <Icon name={icon} /> {release.how === null ? t.orders.waits(release.missing, release.withdrawn) : t.orders.released[release.how]}
    </span>
  );
}

function Release({ image, reload }: { image: ImageRow; reload: () => void }): JSX.Element {
  const problem = useSignal<string | null>(null);
  const once = useOnce();
  const release = (): void => void once(async () => {
    try {
      problem.value = null;
      await api.releaseImage(image.id);
      reload();
    } catch (error) {
      problem.value = sentenceOf(error).sentence;
    }
  });
  return (
    <>
      <button type="button" class="main" data-release-image={image.id} disabled={live.value !== 'live'} onClick={release}>{t.orders.release}</button>
      {problem.value !== null && <p class="bad" role="alert">{problem.value}</p>}
    </>
  );
}

function Said({ image }: { image: ImageRow }): JSX.Element {
  if (image.said.length === 0) return <span class="dim">{t.orders.nothingSaid}</span>;
  return (
    <ul class="said-list">
      {image.said.map((one) => (
        <li key={`${one.at} ${one.kind} ${one.by}`} title={iso(one.at)}>
          {t.orders.said[one.kind](one.by, when(one.at, now.peek()))}{one.reason !== null && <small>{one.reason}</small>}
        </li>
      ))}
    </ul>
  );
}

export function ImagesCard({ answer, reload }: { answer: ImagesAnswer; reload: () => void }): JSX.Element {
  const { policy, images } = answer;
  const manager = may('manager');
  return (
    <section class="card" data-images={policy}>
      <div class="card-head"><h2>{t.orders.images}</h2><span class="dim">{t.orders.policy[policy]}</span></div>
      {images.length === 0 ? <p class="card-note">{t.orders.noImages}</p> : (
        <div class="table-room">
          <table class="rows tall">
            <thead><tr><th>{t.orders.image}</th><th>{t.orders.state}</th><th>{t.orders.saidHead}</th>{manager && <th><span class="visually-hidden">{t.orders.actions}</span></th>}</tr></thead>
            <tbody>
              {images.map((image) => (
                <tr key={image.id} data-image={image.id}>
                  <td><b>{image.name}</b><small class="mono" title={image.id}>{shortKey(image.id)}</small></td>
                  <td><ReleaseTag image={image} />{image.release.how === 'emergency' && <small>{t.orders.onRecord}</small>}</td>
                  <td><Said image={image} /></td>
                  {manager && (
                    <td>
                      <div class="row-actions">
                        {(image.release.missing > 0 || image.release.how === 'none') && <Release image={image} reload={reload} />}
                        {policy === 'two' && !image.release.may_start && (
                          <ReasonForm name={`emergency-${shortKey(image.id)}`} button={t.orders.emergency} label={t.reason.why} sure={t.orders.emergencySure} danger
                            note={t.orders.emergencyNote} act={(reason) => api.releaseImageInEmergency(image.id, reason)} done={reload} />
                        )}
                        {!image.release.withdrawn && (
                          <ReasonForm name={`withdraw-${shortKey(image.id)}`} button={t.orders.withdraw} label={t.reason.why} sure={t.orders.withdrawSure} danger
                            note={t.orders.withdrawNote} act={(reason) => api.withdrawImage(image.id, reason)} done={reload} />
                        )}
                      </div>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
