// SPDX-License-Identifier: Apache-2.0
// What came of the last press or scan, for some seconds.
import type { JSX } from 'preact';
import { Icon } from './icon';
import { said } from './press';

export function SaidLine(): JSX.Element | null {
  if (!said.value) return null;
  return (
    <p class={said.value.bad ? 'said bad' : 'said'} role="alert" data-said>
      <Icon name={said.value.bad ? 'refused' : 'tick'} />{said.value.text}
    </p>
  );
}
