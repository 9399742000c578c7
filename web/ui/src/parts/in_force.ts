// SPDX-License-Identifier: Apache-2.0
// What was done once before the flash and is in the image of every unit of an order, in one line.
import type { OrderRow } from '../api/types';

export function inForceText(steps: NonNullable<OrderRow['in_force']>): string {
  return Object.entries(steps).map(([step, args]) => {
    const said = Object.entries(args).filter(([name]) => name !== 'enabled').map(([name, value]) => `${name} ${value}`);
    return said.length === 0 ? step : `${step} (${said.join(', ')})`;
  }).join(', ');
}
