import { setTimeout as delay } from 'node:timers/promises';
import { Fault, toError } from '../../../../platform/kernel/fault.js';
import { steadyNow } from '../../../../platform/kernel/steady-clock.js';
import { outOfTime } from '../../../../platform/commands/aggregate-task.js';
import type { CommandEnvelope } from '../../../../platform/commands/aggregate-model.js';
import { Backoff } from '../../../../platform/process/backoff.js';
import { doneWithin } from '../../../../platform/process/done-within.js';
import type { CreateThread, ThreadCommand } from '../domain/thread-command.js';
import { threadDecider } from '../domain/thread.js';
import type { CreationQuota, Place } from './creation-quota.js';
import type { ThreadCommands } from './thread-command-handler.js';

type Outcome = ReturnType<ThreadCommands['execute']>;

/**
 * Lets CreateThread through only within the account's quota; a repeat gets its first answer also when the quota is used up.
 * The place is taken before the command is carried out, so however many are created at once, there are never more. What then has no
 * sure outcome keeps its place.
 */
export class BoundedCreations implements ThreadCommands {
  constructor(
    private readonly commands: ThreadCommands,
    private readonly quota: CreationQuota,
  ) {}

  /**
   * As AggregateHost.execute.
   * @throws Fault kind `exhausted`, reason TOO_MANY_THREADS the account has created as many threads as it may
   */
  execute(envelope: CommandEnvelope<ThreadCommand>): Outcome {
    const { command } = envelope;
    if (command.type !== 'CreateThread' || !canCreate(command)) return this.commands.execute(envelope);
    return this.#create(envelope, command);
  }

  inspect(...of: Parameters<ThreadCommands['inspect']>): ReturnType<ThreadCommands['inspect']> {
    return this.commands.inspect(...of);
  }

  async #create(envelope: CommandEnvelope<ThreadCommand>, { accountId, threadId }: CreateThread): Outcome {
    const place = await this.#take(accountId, threadId, envelope.deadline);
    if (place === undefined && !(await this.#exists(threadId, envelope.deadline))) throw tooMany(this.quota.limit);
    try {
      return await this.commands.execute(envelope);
    } catch (error) {
      // Nothing was done: the journal is full, or too many commands wait. Should this fail as well, the place stays taken.
      const isUnused = error instanceof Fault && error.kind === 'exhausted';
      if (isUnused && place?.isReturnable === true) await this.quota.giveBack(place).catch(() => undefined);
      throw error;
    }
  }

  /** Waits for the quota as commands wait for the journal. @throws Fault no answer until the deadline */
  async #take(accountId: string, threadId: string, deadline: number): Promise<Place | undefined> {
    const backoff = new Backoff({ firstMs: 10, maxMs: 1_000 });
    let trouble: Error | undefined;
    for (let leftMs = deadline - steadyNow(); leftMs > 0; leftMs = deadline - steadyNow()) {
      try {
        const place = this.quota.take(accountId, threadId);
        if (!(await doneWithin(leftMs, place))) throw outOfTime(undefined);
        return await place;
      } catch (thrown) {
        if (thrown instanceof Fault) throw thrown;
        trouble = toError(thrown);
        await delay(Math.min(backoff.next(), leftMs));
      }
    }
    throw outOfTime(trouble);
  }

  /** It may be a repeat that comes after the quota has forgotten the first one. */
  async #exists(threadId: string, deadline: number): Promise<boolean> {
    const { state } = await this.commands.inspect(threadId, deadline);
    return state.status !== 'absent';
  }
}

/** False when no thread can come from it, whatever is there already: then it needs no place, and none has to be given back. */
function canCreate(command: CreateThread): boolean {
  return threadDecider.decide(command, threadDecider.initialState).kind === 'accepted';
}

function tooMany(limit: number): Fault {
  const message = `an account may create ${limit} threads, and this one has; destroyed ones count too`;
  return new Fault('exhausted', 'TOO_MANY_THREADS', message);
}
