import { setTimeout as delay } from 'node:timers/promises';
import { circuitBreaker, ConsecutiveBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import type { EventCodec } from '../journal/event-codec.js';
import type { Commit } from '../journal/journal.js';
import { Fault, toError } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { isPassing } from '../projection/projection-writer.js';
import type { Reaction } from './reaction.js';

/** An event whose effect is to be brought about. */
export interface EffectCause<Input> {
  readonly event: Input;
  readonly aggregateId: string;
  /** The same whenever it is tried again: for receivers that can tell a repeat, such as by a Message-ID or Idempotency-Key. */
  readonly effectId: string;
  readonly commit: Commit;
}

export interface EffectReactionOptions<Input extends { readonly type: string }> {
  /** See Reaction. */
  readonly name: string;
  /** Events that have the effect; others pass by. */
  readonly inputs: EventCodec<Input>;
  /**
   * Brings it about: sends the mail, makes the call. It should end when the signal aborts.
   * @throws Fault kind `unavailable` or `deadline-exceeded`: tried again. Other errors park the aggregate at once
   */
  deliver(cause: EffectCause<Input>, signal: AbortSignal): Promise<void>;
  /** Commits from before have no effect, for one that is new to an old context; epoch milliseconds. @default 0 */
  readonly since?: number;
  /** So long one try may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** After so many failed tries of one effect its aggregate is parked. @default 6 */
  readonly maxTries?: number;
  /** Longest wait between tries, in milliseconds; the first is a 25th of it. @default 5000 */
  readonly maxRetryMs?: number;
  /** After so many failures without a success in between nothing is tried for a while. @default 5 */
  readonly breakAfter?: number;
  /** So long, in milliseconds; then one is tried. @default 10000 */
  readonly breakForMs?: number;
}

/**
 * Brings effects about at least once: a crash between the effect and the saved position has it again. While the circuit is
 * open nothing is parked, but the feed waits; each probe counts as a try of the effect that it was made with, so that one
 * that can never succeed does not hold up the others for good.
 */
export function effectReaction<Input extends { readonly type: string }>(
  options: EffectReactionOptions<Input>,
): Reaction {
  const { name, inputs, timeoutMs = 10_000, maxTries = 6, maxRetryMs = 5_000 } = options;
  const breaker = circuitBreaker(
    handleWhen((error) => isPassing(error)),
    {
      halfOpenAfter: options.breakForMs ?? 10_000,
      breaker: new ConsecutiveBreaker(options.breakAfter ?? 5),
    },
  );
  /** Failed tries of effects that have not succeeded, also of earlier calls. */
  const failures = new Map<string, number>();

  async function tryOnce(cause: EffectCause<Input>): Promise<void> {
    await breaker.execute(async () => {
      const late = AbortSignal.timeout(timeoutMs);
      const isLate = new Promise<never>((_, fail) => {
        late.addEventListener('abort', () => fail(new Fault('deadline-exceeded', 'EFFECT_TIMED_OUT', 'no answer')));
      });
      await Promise.race([options.deliver(cause, late), isLate]);
    });
  }

  async function bringAbout(cause: EffectCause<Input>): Promise<void> {
    const { effectId } = cause;
    const backoff = new Backoff({ firstMs: maxRetryMs / 25, maxMs: maxRetryMs });
    for (;;) {
      try {
        await tryOnce(cause);
        failures.delete(effectId);
        return;
      } catch (thrown) {
        const error = toError(thrown);
        if (isBrokenCircuitError(error)) {
          throw new Fault('unavailable', 'CIRCUIT_OPEN', `${name} waits: too much has failed`, { cause: error });
        }
        const failed = (failures.get(effectId) ?? 0) + 1;
        if (!isPassing(error) || failed >= maxTries) {
          failures.delete(effectId);
          throw new Error(`${name} failed ${failed} times: ${error.message}`, { cause: error });
        }
        failures.set(effectId, failed);
        await delay(backoff.next());
      }
    }
  }

  return {
    name,
    async react(commit) {
      if (commit.time < (options.since ?? 0)) return;
      for (const [index, recorded] of commit.events.entries()) {
        if (!inputs.knows(recorded.type)) continue;
        const { aggregateId, version } = commit;
        const effectId = `${name}/${aggregateId}:${version}.${index}`;
        await bringAbout({ event: inputs.decode(recorded), aggregateId, effectId, commit });
      }
    },
  };
}
