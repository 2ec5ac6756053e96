import { Fault } from '../kernel/fault.js';
import type { TraceContext } from './trace-context.js';

/** An event as it is stored: the journal does not know what it means. */
export interface RecordedEvent {
  readonly type: string;
  /** Version of the event's schema, from 1. */
  readonly schemaVersion: number;
  readonly data: Uint8Array;
}

/** All that one command caused, written together or not at all. */
export interface NewCommit {
  /** Identifies the command within its aggregate; a repeat has the same. Visible ASCII, at most 256 characters. */
  readonly commandId: string;
  /** Tells a repeat from another command that wrongly bears the same id. */
  readonly fingerprint: string;
  /** Name of the command, such as "AddMessages". */
  readonly commandType: string;
  /** When it was decided, epoch milliseconds. */
  readonly time: number;
  readonly trace: TraceContext;
  /** May be empty: the command was taken and changed nothing. */
  readonly events: readonly RecordedEvent[];
}

/** A commit in the journal. */
export interface Commit extends NewCommit {
  /** Among all aggregates of the context; aggregate-id.ts tells the type by it. */
  readonly aggregateId: string;
  /** 1 for the aggregate's first commit, then without gaps. */
  readonly version: number;
}

/** The last version of an aggregate. */
export interface AggregateVersion {
  readonly aggregateId: string;
  readonly version: number;
}

/**
 * Where commits are kept, for good, in one history an aggregate. It is the truth; everything else is derived.
 * One contract suite (testing/journal-contract.ts) runs on every implementation.
 */
export interface Journal {
  /**
   * Appends commit number `expectedVersion + 1` durably. Appends of one aggregate may be pipelined: called without
   * waiting for the one before, they take effect in the order of the calls. Such a one must name the command before it
   * in `afterCommandId`: the version alone would let it in behind another writer's commit, when the one that it
   * was decided on has lost against that.
   *
   * @param afterCommandId the last commit must be of this command. @default of any
   * @throws VersionConflict the aggregate is not at `expectedVersion`, or not after that command; nothing was written
   * @throws JournalUnavailable the outcome is unknown: it may or may not have been, or still be, written
   * @throws Fault kind `exhausted` the commit is too large or the journal is full; nothing was written
   */
  append(aggregateId: string, expectedVersion: number, commit: NewCommit, afterCommandId?: string): Promise<void>;
  /**
   * Commits from `fromVersion` on (1 is the first), in order, up to the last one at the time of the call.
   * An aggregate without history has none.
   *
   * @throws JournalUnavailable
   */
  read(aggregateId: string, fromVersion: number): AsyncIterable<Commit>;
  /** Every aggregate once, with its last version, in no order; those that are made meanwhile may be left out. */
  list(): AsyncIterable<AggregateVersion>;
}

/** The aggregate has moved on, or back, from the version that the writer believed in. */
export class VersionConflict extends Error {
  override readonly name = 'VersionConflict';

  constructor(
    readonly aggregateId: string,
    readonly expectedVersion: number,
    options?: { cause?: unknown },
  ) {
    super(`${aggregateId} is not at version ${expectedVersion}`, options);
  }
}

/** The journal did not answer. */
export class JournalUnavailable extends Error {
  override readonly name = 'JournalUnavailable';
}

/**
 * Guards every journal against ids, plain or `type=id`, that could mean something to a broker or a file system.
 * @throws Fault kind `internal`: the edge lets only ULIDs in
 */
export function assertPlainId(aggregateId: string): void {
  if (!/^(?=.{1,64}$)([0-9A-Za-z_-]+=)?[0-9A-Za-z_-]+$/.test(aggregateId)) {
    throw new Fault('internal', 'HOSTILE_ID', `${JSON.stringify(aggregateId)} is no id of an aggregate`);
  }
}
