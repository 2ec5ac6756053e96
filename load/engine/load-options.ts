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

/** What a load run does: `readCommandLine` makes it of options, which all have defaults. */
export interface LoadOptions {
  /** Base URL of the edge. */
  readonly target: string;
  readonly protocol: Protocol;
  readonly scenarios: readonly WeightedScenario[];
  /** Users at the same time; with `rate`, the most iterations at the same time. */
  readonly users: number;
  /** Over which all users have come, or the rate has risen from 0. Milliseconds. */
  readonly rampMs: number;
  /** How long the load then stays. Milliseconds. */
  readonly holdMs: number;
  /** Between a user's steps. Milliseconds. */
  readonly pauseMs: number;
  /** Iterations begun per second, whether or not earlier ones are over (open model). */
  readonly rate: number | undefined;
  /** A request's deadline, which its repeats share. Milliseconds. */
  readonly timeoutMs: number;
  /**
   * Repeat what was unavailable until the deadline, with the same request id, as patient clients do. The repeats count as one
   * request with its first beginning.
   */
  readonly isRetrying: boolean;
  /** Processes that make the load. */
  readonly workers: number;
  /** Repeats random choices (not ids: a repeated id would be a repeated request). A 32-bit integer. */
  readonly seed: number;
  readonly shape: ScenarioShape;
}

/** What scenarios have beside users. Counts are for the whole run. */
export interface ScenarioShape {
  /** chat: users of a room. */
  readonly roomSize: number;
  /** hot: quiet threads beside the celebrity's. */
  readonly quietThreads: number;
  /** hot: percent of the requests that go to the celebrity's thread. */
  readonly hotPercent: number;
  /** replay: cold threads. */
  readonly coldThreads: number;
  /** replay: messages (so many commits) of each. */
  readonly coldMessages: number;
  /** replay: after so long without a call a thread has left the owner's memory (PASSIVATE_AFTER_MS and some). */
  readonly coolDownMs: number;
}
