// SPDX-License-Identifier: Apache-2.0
// Light and dark: as the system says, until a person chose on this screen.
import { signal } from '@preact/signals';

export type Theme = 'light' | 'dark';
const key = 'lineside.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme | null {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null; // storage may be off
  }
}

let chosen = stored();
const current = (): Theme => chosen ?? (system.matches ? 'dark' : 'light');
export const theme = signal<Theme>(current());

function paint(): void {
  theme.value = current();
  document.documentElement.dataset.theme = theme.value;
}

system.addEventListener('change', paint);
paint();

export function toggleTheme(): void {
  chosen = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(key, chosen);
  } catch {
    // Then it holds until the page is loaded again.
  }
  paint();
}
