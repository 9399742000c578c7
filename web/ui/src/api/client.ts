// SPDX-License-Identifier: Apache-2.0
// The one place that talks HTTP to the station. Every answer that is not 2xx becomes an ApiProblem with a sentence
// that can be shown as it is; a network failure becomes one too (code `page.offline`).
import { t } from '../i18n';
import { localise, ownWords } from '../i18n/phrases';
import type {
  Account, AccountRole, BadgeHolder, BatchAccount, BatchCheck, BatchLoaded, Beat, GenerateRequest, ImagesAnswer, Job, JobContext, Label, LabelPrinter, Numbers, OrderRequest, OrdersAnswer, PoolPage, ProblemBody, RecordsAnswer, Screen,
  Session, Shifts, Tile, Unit, Wall, WallNumbers,
} from './types';
import type { Ports, SlotHealth, SlotPlace } from './types_slots';
import type { Film, HostFindings, RecipeCheck, RecipeText } from './types_technician';
import { filmOf } from '../parts/film';

export class ApiProblem extends Error {
  readonly body: ProblemBody;
  constructor(body: ProblemBody) {
    super(body.detail ?? body.title);
    this.name = 'ApiProblem';
    this.body = body;
  }
}

const base = '/api/v1';

// Called when the station says that nobody is logged in here (any more).
let needed = (): void => undefined;
export const whenNeeded = (call: () => void): void => { needed = call; };

function isProblem(value: unknown): value is ProblemBody {
  return typeof value === 'object' && value !== null && 'title' in value && 'code' in value;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const fallback: ProblemBody = {
    type: 'about:blank',
    title: t.api.refused(response.status),
    status: response.status,
    code: `http.${response.status}`,
  };
  try {
    const body: unknown = await response.json();
    return new ApiProblem(isProblem(body) ? localise(body, ownWords.problem) : fallback);
  } catch {
    return new ApiProblem(fallback);
  }
}

async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(base + path, { cache: 'no-store', credentials: 'same-origin', ...init });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    // A lost answer to a press does not tell whether the station had it.
    throw new ApiProblem({
      type: 'about:blank', title: t.api.offline, status: 0, code: 'page.offline',
      hint: init?.method === 'POST' ? t.api.offlinePress : t.api.offlineHint,
    });
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.body.code === 'people.needed') needed();
    throw problem;
  }
  return response;
}

type Members = ReadonlySet<string>;

async function getJson<T>(path: string, signal?: AbortSignal, members: Members = ownWords.list): Promise<T> {
  const response = await request(path, signal ? { signal } : undefined);
  return localise((await response.json()) as T, members);
}

async function postJson<T>(path: string, body: object, members: Members = ownWords.list, signal?: AbortSignal): Promise<T> {
  const response = await request(path, {
    ...(signal ? { signal } : {}),
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Lineside': '1' },
    body: JSON.stringify(body),
  });
  return localise((await response.json()) as T, members);
}

async function postCsv<T>(path: string, file: Blob): Promise<T> {
  const response = await request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'text/csv', 'X-Lineside': '1' },
    body: new Blob([file], { type: 'text/csv' }),
  });
  return localise((await response.json()) as T, ownWords.check);
}

export interface BatchTarget {
  pool: string;
  batch: string;
  testOnly: boolean;
  file: string;
}

function batchQuery(target: BatchTarget): string {
  return new URLSearchParams({
    pool: target.pool, batch: target.batch, test_only: target.testOnly ? '1' : '0', file: target.file,
  }).toString();
}

export interface LogPiece {
  bytes: Uint8Array;
  from: number;
  size: number;
  ended: boolean;
}

export interface SlotAnswer {
  tile: Tile;
  seq: number;
}

const batchPath = (batch: string): string => `/pool/batches/${encodeURIComponent(batch)}`;
const orderPath = (order: string): string => `/orders/${encodeURIComponent(order)}`;
const imagePath = (image: string): string => `/images/${encodeURIComponent(image)}`;
const slotPath = (slot: string): string => `/slots/${encodeURIComponent(slot)}`;

export const api = {
  wall: () => getJson<Wall>('/wall', undefined, ownWords.wall),
  clock: () => getJson<Beat>('/clock'),
  acknowledge: (slot: string, job: number) => postJson<SlotAnswer>(`${slotPath(slot)}/acknowledge`, { job }, ownWords.wall),
  retry: (slot: string, job: number) => postJson<SlotAnswer>(`${slotPath(slot)}/retry`, { job }, ownWords.wall),
  stop: (slot: string, job: number) => postJson<SlotAnswer>(`${slotPath(slot)}/stop`, { job }, ownWords.wall),
  sendToRecovery: (slot: string, job: number) => postJson<SlotAnswer>(`${slotPath(slot)}/recovery`, { job }, ownWords.wall),
  cyclePower: (slot: string) => postJson<SlotAnswer>(`${slotPath(slot)}/power`, {}, ownWords.wall),
  rework: (slot: string, job: number, reason: string) => postJson<SlotAnswer>(`${slotPath(slot)}/rework`, { job, reason }, ownWords.wall),
  voidSerial: (serial: string, reason: string) =>
    postJson<{ serial: string; state: string; seq: number }>(`/serials/${encodeURIComponent(serial)}/void`, { reason }),
  acknowledgePassed: () => postJson<{ acknowledged: string[] }>('/acknowledge-passed', {}),
  unit: (unit: number, signal?: AbortSignal) => getJson<Unit>(`/units/${unit}`, signal, ownWords.unit),
  jobContext: (job: number, signal?: AbortSignal) => getJson<JobContext>(`/jobs/${job}/context`, signal, ownWords.unit),
  job: (job: number, signal?: AbortSignal) => getJson<Job>(`/jobs/${job}`, signal, ownWords.unit),
  async log(job: number, from: number, max: number, signal?: AbortSignal): Promise<LogPiece> {
    const response = await request(`/jobs/${job}/log?from=${from}&max=${max}`, signal ? { signal } : undefined);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return {
      bytes,
      from: Number(response.headers.get('X-Log-From') ?? from),
      size: Number(response.headers.get('X-Log-Size') ?? bytes.length),
      ended: response.headers.get('X-Log-End') === 'true',
    };
  },
  certificate: (job: number) => `${base}/jobs/${job}/certificate`,
  logDownload: (job: number) => `${base}/jobs/${job}/log/download`,
  pool: (signal?: AbortSignal) => getJson<PoolPage>('/pool', signal),
  previewBatch: (target: BatchTarget, file: Blob) =>
    postCsv<BatchCheck>(`/pool/preview?${batchQuery(target)}`, file),
  loadBatch: (target: BatchTarget, file: Blob) =>
    postCsv<BatchLoaded>(`/pool/batches?${batchQuery(target)}`, file),
  previewRange: (range: GenerateRequest) => postJson<BatchCheck>('/pool/generate', { ...range, preview: true }, ownWords.check),
  generateBatch: (range: GenerateRequest) => postJson<BatchLoaded>('/pool/generate', { ...range, preview: false }),
  batchAccount: (batch: string, signal?: AbortSignal) => getJson<BatchAccount>(`${batchPath(batch)}/account`, signal),
  withdrawBatch: (batch: string, reason: string) => postJson<BatchAccount>(`${batchPath(batch)}/withdraw`, { reason }),
  closeBatch: (batch: string) => postJson<BatchAccount>(`${batchPath(batch)}/close`, {}),
  warnPoolAt: (pool: string, warnAt: number) => postJson<unknown>('/pool/warn', { pool, warn_at: warnAt }),
  orders: (signal?: AbortSignal) => getJson<OrdersAnswer>('/orders', signal, ownWords.orders),
  openOrder: (order: OrderRequest) => postJson<{ id: number; name: string }>('/orders', order),
  pauseOrder: (order: string) => postJson<unknown>(`${orderPath(order)}/pause`, {}),
  resumeOrder: (order: string) => postJson<unknown>(`${orderPath(order)}/resume`, {}),
  closeOrder: (order: string, reason: string) => postJson<unknown>(`${orderPath(order)}/close`, { reason }),
  images: (signal?: AbortSignal) => getJson<ImagesAnswer>('/images', signal, ownWords.orders),
  releaseImage: (image: string) => postJson<unknown>(`${imagePath(image)}/release`, {}),
  releaseImageInEmergency: (image: string, reason: string) => postJson<unknown>(`${imagePath(image)}/emergency`, { reason }),
  withdrawImage: (image: string, reason: string) => postJson<unknown>(`${imagePath(image)}/withdraw`, { reason }),
  numbers: (asked: { since: number; until: number; order?: string; image?: string; shift?: string }, signal?: AbortSignal) =>
    getJson<Numbers>(`/numbers?${new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== '').map(([name, value]) => [name, String(value)])).toString()}`, signal),
  wallNumbers: (signal?: AbortSignal) => getJson<WallNumbers>('/wall/numbers', signal),
  shifts: (signal?: AbortSignal) => getJson<Shifts>('/shifts', signal),
  records: (query: string, signal?: AbortSignal) => getJson<RecordsAnswer>(`/records?${query}`, signal, ownWords.wall),
  exportUrl: (format: 'csv' | 'json' | 'zip', query: string) =>
    `${base}/records/export?format=${format}${query === '' ? '' : `&${query}`}`,
  session: () => getJson<Session>('/session'),
  logIn: (name: string, password: string) => postJson<unknown>('/session', { name, password }),
  logOut: () => request('/session', { method: 'DELETE', headers: { 'X-Lineside': '1' } }),
  chooseLanguage: (language: string) => postJson<unknown>('/session/language', { language }),
  changeOwnPassword: (old: string, next: string) => postJson<unknown>('/session/password', { old, new: next }),
  useFirstLink: (code: string, name: string, password: string) => postJson<unknown>('/session/first', { code, name, password }),
  accounts: (signal?: AbortSignal) => getJson<{ accounts: Account[] }>('/accounts', signal),
  makeAccount: (name: string, role: AccountRole, password: string) => postJson<unknown>('/accounts', { name, role, password }),
  changeRole: (account: number, role: AccountRole) => postJson<unknown>(`/accounts/${account}/role`, { role }),
  givePassword: (account: number, password: string) => postJson<unknown>(`/accounts/${account}/password`, { password }),
  closeAccount: (account: number) => postJson<unknown>(`/accounts/${account}/close`, {}),
  screens: (signal?: AbortSignal) => getJson<{ screens: Screen[] }>('/screens', signal),
  askForScreen: () => postJson<{ code: string; ticket: string }>('/screens/ask', {}),
  takeScreen: async (ticket: string) => !('waiting' in (await postJson<object>('/screens/take', { ticket }))),
  confirmScreen: (code: string, name: string) => postJson<unknown>('/screens', { code, name }),
  revokeScreen: (screen: number) => postJson<unknown>(`/screens/${screen}/revoke`, {}),
  slots: (since: number, until: number, signal?: AbortSignal) =>
    getJson<SlotHealth>(`/slots?${new URLSearchParams({ since: String(since), until: String(until) }).toString()}`, signal),
  closeSlot: (slot: string, reason: string) => postJson<SlotAnswer>(`${slotPath(slot)}/close`, { reason }, ownWords.wall),
  reopenSlot: (slot: string, reason: string) => postJson<SlotAnswer>(`${slotPath(slot)}/reopen`, { reason }, ownWords.wall),
  saveLayout: (places: readonly SlotPlace[]) => postJson<{ places: number }>('/layout', { places }),
  ports: (signal?: AbortSignal) => getJson<Ports>('/ports', signal),
  mapPorts: (on: boolean) => postJson<Ports>('/ports/mapping', { on }),
  savePorts: (slots: readonly { slot: string; port: string; peer?: string }[]) => postJson<Ports>('/ports', { slots }),
  recipes: (signal?: AbortSignal) => getJson<RecipeText>('/recipes', signal),
  checkRecipes: (text: string, revision: string, orders: boolean, signal?: AbortSignal) =>
    postJson<RecipeCheck>('/recipes/check', { text, revision, orders }, ownWords.list, signal),
  saveRecipes: (text: string, revision: string, reason: string) => postJson<RecipeText>('/recipes', { text, revision, reason }),
  doctor: (signal?: AbortSignal) => getJson<HostFindings>('/doctor', signal),
  async film(job: number, signal?: AbortSignal): Promise<Film> {
    const text = await (await request(`/jobs/${job}/replay`, signal ? { signal } : undefined)).text();
    const film = filmOf(text, (members) => localise(members, ownWords.wall));
    if (film === null) throw new Error(t.replay.none);
    return film;
  },
  openShift: (code: string) => postJson<{ name: string; until_ms: number }>('/session/badge', { code }),
  endShift: () => request('/session/badge', { method: 'DELETE', headers: { 'X-Lineside': '1' } }),
  badges: (signal?: AbortSignal) => getJson<{ holders: BadgeHolder[]; printer: boolean }>('/badges', signal),
  printBadge: (account: number) => postJson<unknown>(`/accounts/${account}/badge`, {}),
  revokeBadge: (account: number) => postJson<unknown>(`/accounts/${account}/badge/revoke`, {}),
  labels: (signal?: AbortSignal) => getJson<{ labels: Label[]; printer: LabelPrinter }>('/labels', signal),
  askLabel: (job: number) => postJson<unknown>(`/jobs/${job}/label`, {}),
  copyLabel: (job: number, reason: string) => postJson<unknown>(`/jobs/${job}/label/copy`, { reason }),
  retryLabel: (label: number) => postJson<unknown>(`/labels/${label}/retry`, {}),
  foundLabel: (label: number) => postJson<unknown>(`/labels/${label}/found`, {}),
  checkLabel: (slot: string, job: number, code: string) => postJson<SlotAnswer>(`${slotPath(slot)}/label`, { job, code }, ownWords.wall),
  skipLabel: (slot: string, job: number, reason: string) => postJson<SlotAnswer>(`${slotPath(slot)}/label/skip`, { job, reason }, ownWords.wall),
  labelPicture: (job: number, format: 'svg' | 'pdf' = 'svg') => `${base}/jobs/${job}/label${format === 'svg' ? '' : `?format=${format}`}`,
  eventsUrl: (lastSeq: number | null) =>
    `${base}/events${lastSeq === null ? '' : `?last_event_id=${lastSeq}`}`,
};

// What to show for anything that was thrown: a sentence, and what to do.
export function sentenceOf(problem: unknown): { sentence: string; hint: string | null; code: string | null } {
  if (problem instanceof ApiProblem) {
    return { sentence: problem.message, hint: problem.body.hint ?? null, code: problem.body.code };
  }
  return { sentence: problem instanceof Error ? problem.message : String(problem), hint: null, code: null };
}
