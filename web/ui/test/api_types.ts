// SPDX-License-Identifier: Apache-2.0
// What the dashboard takes an answer for, against the types that a generator makes of openapi.yaml. Nothing of this runs: tsc fails
// where the two drift apart, and names the call.
import type { api } from '../src/api/client';
import type { operations } from '../src/api/generated';
import type { GenerateRequest, OrderRequest, ProblemBody, StationEvent, TileEvent, ProgressEvent, Beat } from '../src/api/types';
import type { components } from '../src/api/generated';

// Each call of the dashboard that gets an answer, and the operation it is (the status, where answers differ by it).
interface Calls {
  wall: 'getWall'; clock: 'getClock'; acknowledge: 'acknowledgeSlot'; retry: 'retrySlot'; stop: 'stopSlot'; rework: 'reworkSlot'; sendToRecovery: 'sendToRecovery';
  voidSerial: 'voidSerial'; acknowledgePassed: 'acknowledgePassed'; unit: 'getUnit'; job: 'getJob'; jobContext: 'getJobContext';
  pool: 'getPool'; previewBatch: 'previewBatch'; loadBatch: 'loadBatch'; previewRange: ['generateBatch', 200]; generateBatch: ['generateBatch', 201];
  batchAccount: 'getBatchAccount'; withdrawBatch: 'withdrawBatch'; closeBatch: 'closeBatch'; warnPoolAt: 'warnPoolAt';
  orders: 'getOrders'; openOrder: 'openOrder'; pauseOrder: 'pauseOrder'; resumeOrder: 'resumeOrder'; closeOrder: 'closeOrder';
  images: 'getImages'; releaseImage: 'releaseImage'; releaseImageInEmergency: 'releaseImageInEmergency'; withdrawImage: 'withdrawImage';
  numbers: 'getNumbers'; wallNumbers: 'getWallNumbers'; shifts: 'getShifts'; records: 'getRecords';
  session: 'getSession'; logIn: 'logIn'; chooseLanguage: 'chooseLanguage'; changeOwnPassword: 'changeOwnPassword'; useFirstLink: 'useFirstLink';
  accounts: 'getAccounts'; makeAccount: 'makeAccount'; changeRole: 'changeRole'; givePassword: 'givePassword'; closeAccount: 'closeAccount';
  screens: 'getScreens'; askForScreen: 'askForScreen'; confirmScreen: 'confirmScreen'; revokeScreen: 'revokeScreen';
  slots: 'getSlots'; closeSlot: 'closeSlot'; cyclePower: 'cyclePower'; reopenSlot: 'reopenSlot'; saveLayout: 'placeSlots'; ports: 'getPorts'; mapPorts: 'mapPorts'; savePorts: 'savePorts';
  badges: 'getBadges'; openShift: 'openShift'; printBadge: 'printBadge'; revokeBadge: 'revokeBadge';
  recipes: 'getRecipes'; checkRecipes: 'checkRecipes'; saveRecipes: 'saveRecipes'; doctor: 'getDoctor';
  labels: 'getLabels'; askLabel: 'askLabel'; copyLabel: 'copyLabel'; retryLabel: 'retryLabel'; foundLabel: 'foundLabel'; checkLabel: 'checkLabel'; skipLabel: 'skipLabel';
}
// Made of their own: bytes, no answer, or only whether it is there.
type NotAnAnswer = 'log' | 'film' | 'logOut' | 'endShift' | 'takeScreen';

type Api = typeof api;
type Asking = { [K in keyof Api]: Api[K] extends (...rest: never[]) => Promise<unknown> ? K : never }[keyof Api];
type Taken<K extends keyof Api> = Api[K] extends (...rest: never[]) => Promise<infer Answer> ? Answer : never;
type JsonOf<Responses, Status extends number> = Responses extends { [S in Status]: { content: { 'application/json': infer Answer } } } ? Answer : never;
type Said<Call> = Call extends [infer Op extends keyof operations, infer Status extends number] ? JsonOf<operations[Op]['responses'], Status> : Call extends keyof operations ? Any<Call> : never;
type Any<Op extends keyof operations> = JsonOf<operations[Op]['responses'], 200> | JsonOf<operations[Op]['responses'], 201> | JsonOf<operations[Op]['responses'], 202>;
type BodyOf<Op extends keyof operations> = operations[Op] extends { requestBody: { content: { 'application/json': infer Body } } } ? Body : 'takes no JSON';

// Read only is a promise of the dashboard alone.
type Fixed<T> = T extends (infer Each)[] ? readonly Fixed<Each>[] : T extends object ? { readonly [K in keyof T]: Fixed<T[K]> } : T;
type Fits<From, To> = [From] extends [never] ? false : [Fixed<From>] extends [Fixed<To>] ? true : false;
type Misfits = { [K in keyof Calls]: K extends keyof Api ? (unknown extends Taken<K> ? never : Fits<Said<Calls[K]>, Taken<K>> extends true ? never : K) : K }[keyof Calls];
type None<T extends never> = T;

type Schema = components['schemas'];
export type Checked = [
  None<Misfits>,                                       // answers that are not what the dashboard takes them for
  None<Exclude<Asking, keyof Calls | NotAnAnswer>>,    // calls that this page forgets
  None<Fits<OrderRequest, BodyOf<'openOrder'>> extends true ? never : 'openOrder'>,
  None<Fits<GenerateRequest, BodyOf<'generateBatch'>> extends true ? never : 'generateBatch'>,
  None<Fits<Schema['Problem'], ProblemBody> extends true ? never : 'Problem'>,
  None<Fits<Schema['TileEvent'], TileEvent> extends true ? never : 'TileEvent'>,
  None<Fits<Schema['ProgressEvent'], ProgressEvent> extends true ? never : 'ProgressEvent'>,
  None<Fits<Schema['StationEvent'], StationEvent> extends true ? never : 'StationEvent'>,
  None<Fits<Schema['Beat'], Beat> extends true ? never : 'Beat'>,
];
