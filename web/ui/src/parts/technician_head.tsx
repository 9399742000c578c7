// SPDX-License-Identifier: Apache-2.0
// Head of the technician's pages about the station itself.
import type { ComponentChildren, JSX } from 'preact';
import { Link } from '../router';
import { t } from '../i18n';

export function TechnicianHead({ at, children }: { at: 'recipes' | 'host'; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="page-head">
      <h1>{at === 'recipes' ? t.recipes.title : t.host.title}</h1>
      <span class="spring" />
      {children}
      {at === 'recipes' ? <Link to="/host">{t.host.title}</Link> : <Link to="/recipes">{t.recipes.title}</Link>}
      <Link to="/slots">{t.slots.title}</Link>
    </div>
  );
}
