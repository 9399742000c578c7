// SPDX-License-Identifier: Apache-2.0
// Entry of the dashboard.
import { render } from 'preact';
import './styles/main.css';
import './theme';
import { App, startLink } from './app';
import { startLanguage } from './i18n';
import { askSession } from './live/session';
import { setSpeaker } from './live/store';
import { spokenTile } from './parts/tile_text';

setSpeaker(({ tile }) => spokenTile(tile));
const asked = askSession();
await startLanguage();
startLink();

const root = document.getElementById('app');
if (root) render(<App />, root);
await asked;
