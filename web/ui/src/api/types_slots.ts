// SPDX-License-Identifier: Apache-2.0
// What the technician's pages get; shapes of web/api/openapi.yaml.
export interface SlotClosing {
  at: number;
  by: string; // 'station': it closed itself
  reason: string;
  reopened_at: number | null;
  reopened_by: string | null;
  reopen_reason: string | null;
}

export interface SlotFault {
  code: string;
  display_code: string;
  sentence: string;
  outcome: 'FAIL' | 'ERROR';
  cases: number;
  all_cases: number;
  units: number;
  units_elsewhere: number;
  passed_elsewhere: number;
  follows: 'slot' | 'unit' | null;
}

export interface SlotHealthRow {
  slot: string;
  attempts: number;
  failed: number;
  problems: number;
  beyond_chance: boolean;
  faults: SlotFault[];
  closed: SlotClosing | null;
  closings: SlotClosing[];
}

export interface SlotHealth {
  since: number;
  until: number;
  slots: SlotHealthRow[];
}

// Where a slot stands in the jig; line and place from 0.
export interface SlotPlace {
  slot: string;
  line: number;
  place: number;
  hub: string; // name of its group, '' = none
}

export interface PortUnit {
  port: string;
  id: string;
  model: string | null; // of a unit in recovery mode
  slot: string | null;
  peer: string | null;
  number: number; // another with each time it is plugged in
  since: number;
}

export interface SlotPort {
  slot: string;
  port: string;
  peer: string | null;
  at: number | null;
  by: string | null;
}

export interface Ports {
  mapping: { by: string; since: number; until: number } | null;
  from: 'station.toml' | 'page';
  slots: SlotPort[];
  units: PortUnit[];
  busy: string[];
  at: number;
}
