import { setTimeout as delay } from 'node:timers/promises';
import { Fault, toError } from '../kernel/fault.js';
import type { AggregateHost } from './aggregate-host.js';
import type { CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import { outOfTime } from './aggregate-task.js';
import { Backoff } from '../process/backoff.js';
import { doneWithin } from '../process/done-within.js';
import type { RejectionCodec } from './command-codec.js';
import { InFlightCommands } from './in-flight-commands.js';
import { RejectionCache } from './rejection-cache.js';
import type { DecisionGuard } from './decision-guard.js';
import type { PartitionOwnership, OwnershipTerm } from '../ownership/partition-ownership.js';
import type { RejectionLog } from './rejection-log.js';
import { steadyNow } from '../kernel/steady-clock.js';

export interface OwnedCommandsOptions<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly host: AggregateHost<Command, Event, State, Rejection>;
  readonly ownership: PartitionOwnership;
  readonly rejections: RejectionLog;
  /** Of the aggregate's type. @throws Fault it is not known here */
  codecOf(aggregateId: string): RejectionCodec<Rejection>;
  /** A rejection is remembered for so long: more than any attempt at its command may hang and then take. @default 30000 */
  readonly keepRejectionsMs?: number;
  /** So many are remembered; above, the older half is forgotten. Some 400 bytes each. @default 100000 */
  readonly maxRejections?: number;
  /** So many commands may wait until a new owner knows what was rejected; more are refused. @default 5000 */
  readonly maxWaiting?: number;
  /** Told why a new owner cannot read or understand what was rejected; it goes on trying to read. @default nothing */
  onTrouble?(error: Error): void;
}

/**
 * Carries out the commands of partitions that this instance owns. A rejection is a promise that the command is not
 * applied, whichever attempt at it. So a command is decided only by an instance that has owned its partition ever since it
 * came there, and that knows what earlier owners have rejected.
 */
export class OwnedCommands<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly #known: RejectionCache<Rejection>;
  readonly #attempts = new InFlightCommands<Event, Rejection>((key, rejection) => this.#known.add(key, rejection));
  /** Tenures of which it is not known yet what was rejected before them. */
  readonly #learning = new Map<OwnershipTerm, Promise<void>>();
  #waiting = 0;

  constructor(private readonly options: OwnedCommandsOptions<Command, Event, State, Rejection>) {
    const { keepRejectionsMs = 30_000, maxRejections = 100_000, ownership } = options;
    this.#known = new RejectionCache(keepRejectionsMs, maxRejections);
    ownership.onChange((_changed, { begun }) => {
      if (begun.length === 0) return;
      const learned = this.#learn(begun).finally(() => {
        for (const term of begun) this.#learning.delete(term);
      });
      for (const term of begun) this.#learning.set(term, learned);
    });
  }

  /**
   * As AggregateHost.execute, of a command that came while `term` held.
   * @throws Fault reason NOT_OURS it was not carried out here, and belongs to another instance by now
   */
  execute(envelope: CommandEnvelope<Command>, term: OwnershipTerm): Promise<CommandOutcome<Event, Rejection>> {
    const learning = this.#learning.get(term);
    return learning === undefined ? this.#join(envelope, term) : this.#joinAfter(learning, envelope, term);
  }

  #join(envelope: CommandEnvelope<Command>, term: OwnershipTerm): Promise<CommandOutcome<Event, Rejection>> {
    const key = `${envelope.aggregateId} ${envelope.commandId} ${envelope.fingerprint}`;
    const { ownership, rejections, codecOf, host } = this.options;
    return this.#attempts.join(key, envelope.deadline, () => {
      const guard: DecisionGuard<Rejection> = {
        isValid: () => ownership.holds(term),
        earlierRejection: () => this.#known.get(key),
        keepRejection: (rejection) =>
          rejections.write({
            partition: term.partition,
            key,
            rejection: codecOf(envelope.aggregateId).encodeRejection(rejection),
          }),
      };
      return host.execute(envelope, guard);
    });
  }

  async #joinAfter(
    learning: Promise<void>,
    envelope: CommandEnvelope<Command>,
    term: OwnershipTerm,
  ): Promise<CommandOutcome<Event, Rejection>> {
    if (this.#waiting >= (this.options.maxWaiting ?? 5_000)) throw tooManyWaiting();
    this.#waiting += 1;
    try {
      const remainingMs = Math.min(Math.max(0, envelope.deadline - steadyNow()), 2 ** 31 - 1);
      if (!(await doneWithin(remainingMs, learning))) throw outOfTime(undefined);
    } finally {
      this.#waiting -= 1;
    }
    return this.#join(envelope, term);
  }

  /** Settles when it is known what was rejected in these partitions before, or they are lost again. */
  async #learn(begun: readonly OwnershipTerm[]): Promise<void> {
    const backoff = new Backoff({ firstMs: 20, maxMs: 1_000 });
    for (;;) {
      const held = begun.filter(({ hasEnded }) => !hasEnded);
      if (held.length === 0) return;
      try {
        const rejections = await this.options.rejections.read(new Set(held.map(({ partition }) => partition)));
        for (const { key, rejection } of rejections) this.#remember(key, rejection);
        return;
      } catch (thrown) {
        this.options.onTrouble?.(toError(thrown));
        await delay(backoff.next(), undefined, { ref: false });
      }
    }
  }

  #remember(key: string, rejection: Uint8Array): void {
    try {
      const aggregateId = key.slice(0, key.indexOf(' '));
      this.#known.add(key, this.options.codecOf(aggregateId).decodeRejection(rejection));
    } catch (thrown) {
      // Of a newer version, most likely.
      this.options.onTrouble?.(toError(thrown));
    }
  }
}

function tooManyWaiting(): Fault {
  return new Fault('exhausted', 'TOO_MANY_COMMANDS', 'too many commands wait for a new owner, try again later');
}
