// SPDX-License-Identifier: Apache-2.0
// The shapes of web/api/openapi.yaml as the dashboard reads them. test/contract.test.ts holds the mock's answers,
// and e2e/contract.spec.ts the real station's, against that page.
import type { SlotPlace } from './types_slots';

export type * from './types_orders';

export const accountRoles = ['operator', 'qa', 'manager', 'technician', 'admin'] as const;
export type AccountRole = (typeof accountRoles)[number];
export type Role = 'anyone' | 'display' | AccountRole;

export interface Session {
  open: boolean;
  name: string | null;
  language: string | null;
  role: Role;
  may: readonly Role[];
  screen?: boolean;
  holder: { name: string; until_ms: number } | null; // who works by badge at this screen
  scan: { prefix: string; end: string };
  use: 'production' | 'training' | 'demonstration';
}

export interface Account {
  account: number;
  name: string;
  role: AccountRole;
  active: boolean;
  made_ms: number;
  made_by: string;
  sessions: number;
  badge_ms: number | null;
}

// Who may hold a badge.
export interface BadgeHolder {
  account: number;
  name: string;
  badge_ms: number | null;
}

export interface Screen {
  screen: number;
  name: string;
  since_ms: number;
  by: string;
}

export interface NumbersCode {
  outcome: 'FAIL' | 'ERROR';
  code: string;
  display_code: string;
  sentence: string;
  cases: number;
  follows: { what: 'slot'; slot: string; cases: number; units: number; passed_elsewhere: number } | { what: 'unit'; units: number; slots: number } | null;
}

export interface Numbers {
  since: number;
  until: number;
  sums: {
    made: number; attempts: number; at_work_s: number; outcomes: Readonly<Partial<Record<Outcome, number>>>; first_judged: number; first_passed: number;
    failed_units: number; passed_after_fail: number;
  };
  hours: readonly { at: number; made: number; first_judged: number; first_passed: number }[];
  codes: readonly NumbersCode[];
  slots: readonly { slot: string; attempts: number; failed: number; problems: number; beyond_chance: boolean }[];
  times: { timed: number; bin_s: number; steps: readonly { name: string; word: string; n: number; median_s: number; p90_s: number; bins: readonly number[] }[] };
}

export interface WallNumbers extends Pick<Numbers, 'since' | 'until' | 'sums' | 'hours'> {
  shift: string | null;
}

export type Outcome = 'PASS' | 'FAIL' | 'ERROR' | 'ABORTED';

export type TileState =
  | 'empty' | 'skipped' | 'unmapped' | 'found' | 'waiting' | 'preparing' | 'flashing' | 'restarting'
  | 'verifying' | 'personalising' | 'testing' | 'needs_operator' | 'stopping' | 'pass' | 'fail'
  | 'error' | 'timeout' | 'stopped' | 'interrupted' | 'closed';

export type Tone =
  | 'sunken' | 'work' | 'frame-amber-dashed' | 'frame-amber' | 'fill-amber' | 'fill-green'
  | 'fill-red' | 'frame-red' | 'frame-red-double' | 'stripe';

export type TimeForm = 'left' | 'in' | 'within';

export type ChipCheck = 'before_write' | 'after_boot' | 'never';

export interface Tile {
  slot: string;
  port: string;
  mapped: boolean;
  present: boolean;
  state: TileState;
  word: string;
  short: string;
  icon: string;
  tone: Tone;
  outcome: Outcome | null;
  code: string | null;
  display_code: string | null;
  fact: string | null;
  reason: string | null;
  note: string | null;
  action: string | null;
  action_icon: string | null;
  button: string | null;
  press: 'acknowledge' | 'retry' | 'label' | null;
  percent: number | null;
  stage: number;
  time_left_s: number | null;
  time_form: TimeForm | null;
  step: number;
  serial: string | null;
  unit: number | null;
  job: number | null;
  attempt: number | null;
  model: string | null;
  since: number;
  ack: 'none' | 'when_unplugged' | 'ready' | 'label';
  retry: boolean;
  ticks: { image: boolean; serial: boolean; saved: boolean };
  chip_check: ChipCheck | null;
  position_in_line: number | null;
  power_switch: boolean; // the station can switch the slot's unit off and on
}

export interface SlotCount { count: number; slots: string[] }

export interface Alarm {
  id: string;
  code: string;
  display_code: string | null;
  sentence: string;
  action: string | null;
  slots: string[];
  since: number;
}

export interface Station {
  id: string;
  name: string;
  version: string;
  started_at: number;
  state: 'ready' | 'running' | 'pool_low' | 'blocked';
  word: string;
  reason: string | null;
  running: number;
  slots: number;
  order: {
    id: number;
    name: string;
    model: string;
    image: string;
    image_id: string | null;
    made: number;
    quantity: number;
  } | null;
  pool: { name: string; left: number; total: number; low: boolean; warn_at: number; hours_left: number | null } | null;
  today: { made: number; first_judged: number; first_passed: number; takt_s: number | null };
  counts: {
    pass: SlotCount;
    fail: SlotCount;
    error: SlotCount;
    aborted: SlotCount;
    your_turn: SlotCount;
  };
  next_verdict: { slot: string; in_s: number } | null;
  building: { word: string; percent: number | null } | null;
  training: string | null; // address of a training station that runs beside
  alarms: Alarm[];
}

export interface Wall {
  station: Station;
  tiles: Tile[];
  seq: number;
  mono_ns: number;
  at: number;
  layout: SlotPlace[]; // as the jig stands; empty: nobody has said
}

export interface TileEvent {
  tile: Tile;
  seq: number | null;
  mono_ns: number;
  at: number;
  replay: boolean;
  gone?: boolean;
}

export interface ProgressEvent {
  slot: string;
  job: number;
  stage: number;
  percent: number | null;
  time_left_s: number | null;
  fact?: string | null;
  mono_ns: number;
}

export interface StationEvent {
  station: Station;
  seq: number | null;
  mono_ns: number;
  at: number;
}

export interface Beat {
  mono_ns: number;
  at: number;
}

export interface Proof {
  kind: 'image' | 'serial' | 'saved';
  ok: boolean | null;
  title: string;
  sentence: string | null;
  at: number | null;
}

export interface Fact {
  key: string;
  label: string;
  value: string;
  mono?: boolean;
}

export interface Attempt {
  job: number;
  number: number;
  outcome: Outcome | null;
  code: string | null;
  display_code: string | null;
  sentence: string | null;
  slot: string;
  started_at: number;
  ended_at: number | null;
}

export interface HistoryLine {
  seq: number;
  at: number;
  sentence: string;
  actor: string | null;
}

export type LabelPrinter = { print: 'acknowledge' | 'at_once'; verify: boolean } | null;

export interface Label {
  label: number;
  job: number;
  unit: number;
  serial: string | null;
  slot: string;
  copy: number;
  state: 'waiting' | 'printed' | 'failed';
  doubt: boolean;
  tries: number;
  message: string | null;
  asked_ms: number;
  asked_by: string;
  reason: string | null;
  printed_ms: number | null;
  checked_ms: number | null;
}

export interface Unit {
  unit: number;
  serial: string | null;
  model: string | null;
  chip_id: string | null;
  module_serial: string | null;
  slot: string | null;
  tile: Tile | null;
  facts: Fact[];
  proofs: Proof[];
  attempts: Attempt[];
  labels: Label[];
  label_printer: LabelPrinter;
  history: HistoryLine[];
}

export interface Step {
  index: number;
  attempt: number;
  name: string;
  word: string;
  kind: 'work' | 'restart' | 'wait';
  state: 'pending' | 'running' | 'done' | 'failed' | 'skipped' | 'interrupted';
  started_at: number | null;
  ended_at: number | null;
  code: string | null;
  sentence: string | null;
}

export interface LogSegment {
  index: number;
  attempt: number;
  name: string;
  word: string;
  from: number;
  size: number;
}

export type LeaseState = 'reserved' | 'issued' | 'burned' | 'in_doubt' | 'released' | 'voided';

export interface Job {
  job: number;
  unit: number;
  slot: string;
  attempt: number;
  order: { id: number; name: string } | null;
  image: { id: string; name: string } | null;
  image_release: { how: 'two' | 'one' | 'none' | 'emergency'; by: string | null; reason: string | null } | null;
  model: string | null;
  running: boolean;
  outcome: Outcome | null;
  code: string | null;
  display_code: string | null;
  sentence: string | null;
  action: string | null;
  retry: boolean | null;
  started_at: number;
  ended_at: number | null;
  steps: Step[];
  proofs: Proof[];
  lease: { serial: string; state: LeaseState; pool: string; batch: string } | null;
  certificate: boolean;
  log: { size: number; ended: boolean; redactions: number; segments: LogSegment[] };
}

export interface JobContext {
  usual: { of: number; median_s: number; steps: { index: number; name: string; median_s: number }[] } | null;
  on_slot: { job: number; unit: number; serial: string | null; outcome: Outcome | null; display_code: string | null; at: number }[];
}

export interface SerialCounts {
  total: number;
  free: number;
  reserved: number;
  issued: number;
  burned: number;
  in_doubt: number;
  voided: number;
  set_aside: number;
}

export interface Pool extends SerialCounts {
  name: string;
  low: boolean;
  warn_at: number;
  used_last_hour: number;
  needed: number | null;
}

export interface Batch extends SerialCounts {
  id: number;
  name: string;
  pool: string;
  test_only: boolean;
  loaded_at: number;
  loaded_by: string;
  state: 'open' | 'withdrawn' | 'closed';
  source: 'file' | 'generated';
  order: string | null;
  ended_at: number | null;
  ended_by: string | null;
  end_reason: string | null;
}

// loaded = passed + scrapped + in_doubt + at_work + left
export interface BatchAccount {
  batch: string;
  pool: string;
  state: Batch['state'];
  loaded: number;
  passed: number;
  scrapped: number;
  voided: number;   // part of scrapped
  in_doubt: number;
  at_work: number;
  left: number;
}

export interface InDoubt {
  serial: string;
  pool: string;
  batch: string;
  unit: number;
  job: number | null;
  slot: string | null;
  chip_id: string | null;
  since: number;
  certain: string;
  cause: string | null;
  next_step: string;
  next_step_why: string | null;
  otherwise: string;
}

export interface PoolPage {
  pools: Pool[];
  batches: Batch[];
  in_doubt: InDoubt[];
}

export interface Complaint {
  file: string;
  line: number;
  column: number;
  field: string;
  message: string;
  serial?: string | null;
}

export interface BatchCheck {
  verdict: 'accept' | 'reject';
  count: number;
  errors: Complaint[];
  warnings: Complaint[];
  errors_total?: number;
  lines?: number;
  separator?: string | null;
  header?: boolean;
  sample?: { line: number; serial: string; token_length: number | null }[];
}

// Serials that are counted; what is left out the station knows.
export interface GenerateRequest {
  pool: string;
  count: number;
  test_only: boolean;
  batch?: string;
  order?: string;
  prefix?: string;
  from?: number;
  step?: number;
  width?: number;
  suffix?: string;
  check?: string;
  check_counter_only?: boolean;
  token_length?: number;
  token_alphabet?: string;
  ap_ssid?: string;
}

export interface BatchLoaded {
  batch: Batch;
  count: number;
  left: number;
}

export interface RecordRow {
  job: number;
  unit: number;
  attempt: number;
  result: Outcome;
  code: string | null;
  display_code: string | null;
  reason: string | null;
  serial: string | null;
  batch: string | null;
  pool: string | null;
  order_name: string | null;
  model: string | null;
  chip_id: string | null;
  module_serial: string | null;
  slot: string;
  port: string;
  image_id: string | null;
  image_name: string | null;
  image_release?: 'two' | 'one' | 'none' | 'emergency' | null;
  image_released_by?: string | null;
  image_release_reason?: string | null;
  started_ms: number;
  ended_ms: number;
  duration_s: number;
}

export interface RecordsAnswer {
  rows: RecordRow[];
  next_cursor: string | null;
  total: number;
  units: number;
  counts: { [outcome in Outcome]: number };
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  hint?: string;
  check?: BatchCheck;
}
