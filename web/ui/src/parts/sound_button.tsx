// SPDX-License-Identifier: Apache-2.0
// Sound of this screen: on, or off for a shift. A struck speaker says that nothing will be heard.
import type { JSX } from 'preact';
import { sound, toggleSound } from '../live/sound';
import { t } from '../i18n';
import { Icon } from './icon';

export function SoundButton(): JSX.Element {
  const on = sound.value === 'on';
  const label = on ? t.sound.off : t.sound.on;
  return (
    <button type="button" class="plain sound" aria-label={label} title={label} data-sound={sound.value} onClick={toggleSound}>
      <Icon name={on ? 'sound' : 'sound-off'} />
    </button>
  );
}
