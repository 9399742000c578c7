// SPDX-License-Identifier: Apache-2.0
// A shift's name. Those that a station has unless it names its own are put into the language of the page.
import { t } from '../i18n';

export const shiftWord = (name: string): string => t.shifts.names[name] ?? name;
