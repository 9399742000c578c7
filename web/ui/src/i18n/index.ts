// SPDX-License-Identifier: Apache-2.0
// Every word the page itself says. Words of slots, steps and failures come from the station.
import { en } from './en';

export const t = en;
