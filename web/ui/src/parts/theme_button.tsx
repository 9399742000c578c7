// SPDX-License-Identifier: Apache-2.0
// Light or dark, on this screen only.
import type { JSX } from 'preact';
import { theme, toggleTheme } from '../theme';
import { t } from '../i18n';
import { Icon } from './icon';

export function ThemeButton(): JSX.Element {
  const label = theme.value === 'dark' ? t.theme.light : t.theme.dark;
  return (
    <button type="button" class="plain" aria-label={label} title={label} onClick={toggleTheme}>
      <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
    </button>
  );
}
