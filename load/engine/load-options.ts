import type { ScenarioName } from '../scenarios/scenario-names.js';

/** How users reach the mesh; Envoy takes all of them at one port. */
export const protocols = ['rest', 'grpc'] as const;
export type Protocol = (typeof protocols)[number];

/** A scenario and how many of the users play it, in relation to the other weights. */
export interface WeightedScenario {
  readonly name: ScenarioName;
  /** Above 0. */
  readonly weight: number;
}

/** What a load run does. Everything has a default: `defaultLoadOptions`. */
export interface LoadOptions {
  /** Base URL of the edge. @default http://localhost:8080 */
  readonly target: string;
  /** @default rest */
  readonly protocol: Protocol;
  /** @default only `thread` */
  readonly scenarios: readonly WeightedScenario[];
  /** Users at the same time; with `rate`, the most iterations at the same time. @default 10; with `rate` 1000 */
  readonly users: number;
  /** Over which all users have come, or the rate has risen from 0. Milliseconds. @default 10000 */
  readonly rampMs: number;
  /** How long the load then stays. Milliseconds. @default 60000 */
  readonly holdMs: number;
  /** Between a user's steps. Milliseconds. @default 3000 */
  readonly pauseMs: number;
  /** Iterations begun per second, whether or not earlier ones are over (open model). @default closed model: users loop */
  readonly rate: number | undefined;
  /** A request's deadline, which its repeats share. Milliseconds. @default 10000 */
  readonly timeoutMs: number;
  /**
   * Repeat what was unavailable until the deadline, with the same request id, as patient clients do. The repeats count as one
   * request with its first beginning. @default false
   */
  readonly isRetrying: boolean;
  /** Processes that make the load. @default 1 */
  readonly workers: number;
  /** Repeats random choices (not ids: a repeated id would be a repeated request). A 32-bit integer. @default random */
  readonly seed: number;
  readonly shape: ScenarioShape;
}

/** What scenarios have beside users. Counts are for the whole run. */
export interface ScenarioShape {
  /** chat: users of a room. @default 5 */
  readonly roomSize: number;
  /** hot: quiet threads beside the celebrity's. @default 1000 */
  readonly quietThreads: number;
  /** hot: percent of the requests that go to the celebrity's thread. @default 80 */
  readonly hotPercent: number;
  /** replay: cold threads. @default 500 */
  readonly coldThreads: number;
  /** replay: messages (so many commits) of each. @default 50 */
  readonly coldMessages: number;
  /** replay: after so long without a call a thread has left the owner's memory (PASSIVATE_AFTER_MS and some). @default 65000 */
  readonly coolDownMs: number;
}

export const defaultLoadOptions: Omit<LoadOptions, 'seed'> = {
  target: 'http://localhost:8080',
  protocol: 'rest',
  scenarios: [{ name: 'thread', weight: 1 }],
  users: 10,
  rampMs: 10_000,
  holdMs: 60_000,
  pauseMs: 3_000,
  rate: undefined,
  timeoutMs: 10_000,
  isRetrying: false,
  workers: 1,
  shape: {
    roomSize: 5,
    quietThreads: 1_000,
    hotPercent: 80,
    coldThreads: 500,
    coldMessages: 50,
    coolDownMs: 65_000,
  },
};
