// SPDX-License-Identifier: Apache-2.0
// Shapes of openapi.yaml: profiles and recipes as text, the host doctor, a job played again.
import type { Tile } from './types';

export type ReadOnlyWhy = 'station' | 'large' | 'rights';

export interface RecipeText {
  file: string;
  station_file: string;
  read_only: ReadOnlyWhy | null;
  text: string; // with a mark for each secret
  revision: string;
  in_force: boolean;
  saved: { at: number; by: string; reason: string } | null;
}

export interface RecipeError {
  file: string;
  line: number; // 0: of the file as a whole
  column: number;
  field: string;
  message: string;
  remedy: string | null;
}

export interface RecipeCheck {
  verdict: 'accept' | 'reject';
  profiles: number;
  errors: RecipeError[];
  errors_total: number;
  orders: { order: string; what: string }[] | null;
}

export interface HostFinding {
  code: string;
  weight: 'fine' | 'warning' | 'error';
  cause: string;
  mend: string;
}

export interface HostFindings {
  verdict: 'fit' | 'unfit';
  findings: HostFinding[];
  took_ms: number;
}

export interface FilmStep {
  index: number;
  name: string;
  attempt: number;
  at: number;
  ended: number;
  recorded: boolean;
}

export interface FilmHead {
  job: number;
  unit: number;
  slot: string;
  attempt: number;
  began: number;
  length_ms: number;
  steps: FilmStep[];
}

export interface FilmFrame {
  at: number;
  tile: Tile;
}

export interface Film {
  head: FilmHead;
  frames: FilmFrame[]; // by time, never none
  whole: boolean;      // its last line came
}
