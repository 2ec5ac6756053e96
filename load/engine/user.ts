import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicFactory } from 'ulid';
import { CallFailed, type Call, type ThreadApi } from '../transports/thread-api.js';
import type { LoadOptions } from './load-options.js';
import type { SeededRandom } from './seeded-random.js';
import type { Recorder } from './recorder.js';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 500;

/** A new ULID; later ones are greater. */
export const newId = monotonicFactory();

/** A call that begins now. */
export function newCall(timeoutMs: number): Call {
  const startedAt = Date.now();
  return { requestId: newId(), startedAt, deadlineAt: startedAt + timeoutMs };
}

/** Ends a user's iteration. What went wrong has been recorded. */
export class RequestFailed extends Error {}

/** What all users of a worker share. */
export interface UserWorld {
  readonly api: ThreadApi;
  readonly options: LoadOptions;
  readonly recorder: Recorder;
  /** Aborted when users shall end. */
  readonly stop: AbortSignal;
}

/** A virtual user: sends requests, which are measured, and pauses between them. */
export class User {
  /** When the next request was meant to begin (performance.now()), if that is not now. */
  #intendedAt: number | undefined;

  constructor(
    readonly world: UserWorld,
    readonly random: SeededRandom,
  ) {}

  get isStopping(): boolean {
    return this.world.stop.aborted;
  }

  /** The next request's latency counts from here. @param at on performance.now()'s clock */
  intendAt(at: number): void {
    this.#intendedAt = at;
  }

  /**
   * Sends one request and records it under `name`: from its intended beginning until its answer was found right.
   * @param send one attempt; throws CallFailed
   * @throws RequestFailed when it failed for good
   */
  async request<Answer>(
    name: string,
    send: (call: Call) => Promise<Answer>,
    call = newCall(this.world.options.timeoutMs),
  ): Promise<Answer> {
    const { options, recorder } = this.world;
    const from = this.#intendedAt ?? performance.now();
    this.#intendedAt = undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await send(call);
        recorder.recordRequest(name, performance.now() - from, undefined, attempt - 1);
        return answer;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS);
        const isLast = !options.isRetrying || !error.isRetryable || Date.now() + waitMs >= call.deadlineAt;
        if (!isLast) {
          await sleep(waitMs);
          continue;
        }
        recorder.recordRequest(name, performance.now() - from, error.kind, attempt - 1);
        throw new RequestFailed(`${name}: ${error.kind}`);
      }
    }
  }

  /** Waits; at once over when users shall end. @param milliseconds @default the run's pause */
  async pause(milliseconds = this.world.options.pauseMs): Promise<void> {
    const { stop } = this.world;
    if (milliseconds <= 0 || stop.aborted) return;
    await sleep(milliseconds, undefined, { signal: stop }).catch((error: unknown) => {
      if (!stop.aborted) throw error;
    });
  }
}
