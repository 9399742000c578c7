// SPDX-License-Identifier: Apache-2.0
// A result in a dense table: PASS unfilled, so that the few others are what the eye finds.
import type { JSX } from 'preact';
import type { Outcome } from '../api/types';
import { t } from '../i18n';
import { Icon } from './icon';

const signs: Readonly<Record<Outcome, string>> = { PASS: 'tick', FAIL: 'close', ERROR: 'spanner', ABORTED: 'square' };

export function ResultTag({ outcome, code }: { outcome: Outcome | null; code: string | null }): JSX.Element {
  if (outcome === null) return <span class="result result-none">{t.outcome.none}</span>;
  return (
    <span class={`result result-${outcome.toLowerCase()}`} data-result={outcome}>
      <Icon name={signs[outcome]} heavy />
      {t.outcome[outcome]}{code !== null && outcome !== 'ABORTED' && ` ${code}`}
    </span>
  );
}
