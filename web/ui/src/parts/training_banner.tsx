// SPDX-License-Identifier: Apache-2.0
// Over every page of a training station; and the way there from the real one.
import type { JSX } from 'preact';
import { session } from '../live/session';
import { station } from '../live/store';
import { t } from '../i18n';

export function TrainingBanner(): JSX.Element | null {
  if (session.value?.use !== 'training') return null;
  return (
    <p class="training" role="note" data-training>
      <strong>{t.training.mark}</strong> <span>{t.training.what}</span>
    </p>
  );
}

export function TrainingLink(): JSX.Element | null {
  const url = station.value?.training ?? null;
  return url === null ? null : <a href={url} target="_blank" rel="noreferrer" data-training-link>{t.training.link}</a>;
}
