import { toError } from '../kernel/fault.js';
import { JournalUnavailable, VersionConflict } from '../journal/journal.js';

/** An append that waits for its turn. */
export interface QueuedAppend {
  readonly aggregateId: string;
  readonly expectedVersion: number;
  readonly commandId: string;
  /** The last commit must be of this command. */
  readonly afterCommandId?: string | undefined;
  append(): Promise<void>;
  /**
   * Called before `append` when the one before it in the queue is not of `afterCommandId`; throws unless the last commit
   * is. @default `append` sees to it
   */
  verify?(): Promise<void>;
}

/** Appends of one aggregate that wait for each other. */
interface Chain {
  /** Resolves when the last one so far is over. */
  last: Promise<void>;
  /** Of which command that one is, and which version it makes. */
  commandId: string | undefined;
  version: number;
  /** Why one of them failed; those behind it then fail as well. */
  failure: Error | undefined;
}

/**
 * Lets the appends of each aggregate go one after another, in the order of the calls, where the broker cannot fence
 * pipelined ones itself. Those of different aggregates do not wait for each other.
 */
export class AppendQueue {
  readonly #chains = new Map<string, Chain>();

  /**
   * Appends once those before it are over.
   * @throws what `append` or `verify` throws
   * @throws VersionConflict one before it was refused; it was not called
   * @throws JournalUnavailable one before it is in doubt; it was not called
   */
  enqueue({ aggregateId, expectedVersion, commandId, afterCommandId, append, verify }: QueuedAppend): Promise<void> {
    const none: Chain = { last: Promise.resolve(), commandId: undefined, version: 0, failure: undefined };
    const chain = this.#chains.get(aggregateId) ?? none;
    this.#chains.set(aggregateId, chain);
    const isBehind = chain.commandId === afterCommandId && chain.version === expectedVersion;
    const turn = chain.last.then(async () => {
      if (chain.failure !== undefined) throw notAfter(aggregateId, expectedVersion, chain.failure);
      if (afterCommandId !== undefined && !isBehind) await verify?.();
      await append();
    });
    const forget = (): void => {
      if (this.#chains.get(aggregateId) === chain) this.#chains.delete(aggregateId);
    };
    const last = turn.then(
      () => {
        if (chain.last === last) forget();
      },
      (error: unknown) => {
        chain.failure ??= toError(error);
        // Those that wait will fail; whoever comes from now on may know of the failure, and begins anew.
        forget();
      },
    );
    Object.assign(chain, { last, commandId, version: expectedVersion + 1 });
    return turn;
  }
}

/** What an append fails with that was to come behind one that has failed; nothing of it was written. */
function notAfter(aggregateId: string, expectedVersion: number, failure: Error): Error {
  if (!(failure instanceof JournalUnavailable)) {
    return new VersionConflict(aggregateId, expectedVersion, { cause: failure });
  }
  return new JournalUnavailable(`the commit before is in doubt: ${failure.message}`, { cause: failure });
}
