// SPDX-License-Identifier: Apache-2.0
// Who is at this page. Before the first account is made the station is open: everybody may do everything.
import { computed, signal } from '@preact/signals';
import { api, whenNeeded } from '../api/client';
import { turnTo } from '../i18n';
import type { Role, Session } from '../api/types';

export const session = signal<Session | null>(null); // null: not known yet

// Logged in, an enrolled screen, or an open station.
export const letIn = computed(() => session.value !== null && (session.value.open || session.value.name !== null));

// The station decides and says so; this only spares people a button that would be refused.
export const may = (needed: Role): boolean => session.value !== null && session.value.may.includes(needed);

let asking = false;
export async function askSession(): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    session.value = await api.session();
    if (session.value.name !== null && session.value.screen !== true) turnTo(session.value.name, session.value.language);
  } catch {
    // Not reached: what was known stays, the page says that it is not live.
  } finally {
    asking = false;
  }
}

whenNeeded(() => void askSession());
