// SPDX-License-Identifier: Apache-2.0
// Tiles and numbers in turn on this screen, or the tiles alone.
import type { JSX } from 'preact';
import { toggleTurns, turnSeconds } from '../live/rotation';
import { t } from '../i18n';
import { Icon } from './icon';

export function TurnButton(): JSX.Element {
  const on = turnSeconds.value !== null;
  const label = on ? t.turns.off : t.turns.on;
  return (
    <button type="button" class="plain turns" aria-label={label} title={label} aria-pressed={on} data-turns={on} onClick={toggleTurns}>
      <Icon name={on ? 'turns' : 'turns-off'} />
    </button>
  );
}
