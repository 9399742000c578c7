// SPDX-License-Identifier: Apache-2.0
// Orders, images and shifts; shapes of web/api/openapi.yaml.
// May a unit start with this image now.
export interface ImageRelease {
  may_start: boolean;
  how: 'two' | 'one' | 'none' | 'emergency' | null;
  by: string | null;
  reason: string | null;
  missing: number;
  withdrawn: boolean;
  why: string | null;
}

export interface ImageSaid {
  kind: 'release' | 'emergency' | 'withdrawal';
  by: string;
  at: number;
  reason: string | null;
}

export interface ImagesAnswer {
  policy: 'two' | 'one' | 'none';
  images: ImageRow[];
}

export interface ImageRow {
  id: string;
  name: string;
  profile: string;
  state: 'building' | 'ready' | 'broken' | 'retired';
  builds: number;
  size: number;
  partitions: number;
  files: number;
  built_at: number | null;
  release: ImageRelease;
  said: ImageSaid[];
}

// Units under an order, each once.
export interface OrderAccount {
  units: number;
  passed: number;
  failed: number;
  in_work: number;
}

export interface Profile {
  id: string;
  name: string;
  model: string;
  serials: boolean;  // its units get serials out of a pool
}

export interface OrdersAnswer {
  orders: OrderRow[];
  profiles: Profile[];
}

export interface ShiftStretch {
  shift: string;
  day: string;
  since: number;
  until: number;
}

export interface Shifts {
  shifts: { name: string; start: string; minutes: number; days: number[] }[];
  recent: ShiftStretch[];
}

export interface OrderRequest {
  name: string;
  profile: string;
  pool: string;
  quantity: number;
  close_others: boolean;
  rotate_token: boolean;
  allow_no_chip: boolean;
}

export interface OrderRow {
  id: number;
  name: string;
  profile: string;
  model: string;
  image_id: string | null;
  image: string;
  pool: string;
  quantity: number;
  made: number;
  state: 'open' | 'paused' | 'done' | 'closed';
  opened_at: number;
  opened_by: string;
  rotate_token: boolean;
  allow_no_chip: boolean;
  ended_at: number | null;
  ended_by: string | null;
  end_reason: string | null;
  account: OrderAccount;
  changed: string | null;
  image_error: string | null;
  // Done once before the flash, in the image of every unit: step, its arguments without secrets.
  in_force: Record<string, Record<string, string | number | boolean>> | null;
}
