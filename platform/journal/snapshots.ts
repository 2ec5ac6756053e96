import type { RememberedRequest } from './recent-requests.js';

/** An aggregate as of one version, so that not its whole history needs to be read. */
export interface Snapshot {
  /** The version of its last commit. */
  readonly version: number;
  /** The command of that commit, by which it is seen whether the journal is still the same. */
  readonly lastCommandId: string;
  /** The requests that the aggregate remembers, the oldest first. */
  readonly requests: readonly RememberedRequest[];
  /** How `state` is encoded; see StateFormat. */
  readonly stateFormat: number;
  readonly state: Uint8Array;
}

/** How a kind of aggregate writes its state down. */
export interface StateFormat<State> {
  /** Raised whenever older snapshots cannot be read any more; they are then passed over. */
  readonly version: number;
  /** A large state is encoded over several turns of the event loop, so that others' commands do not wait for it. */
  encode(state: State): Promise<Uint8Array>;
  decode(data: Uint8Array): State;
}

/**
 * Keeps the last snapshot of each aggregate. It is a cache: what is missing, old or damaged costs time and nothing else.
 * One contract suite (testing/snapshot-contract.ts) runs on every implementation.
 */
export interface SnapshotStore {
  /** The last snapshot. @throws Error when it cannot be had or read */
  load(aggregateId: string): Promise<Snapshot | undefined>;
  /** @throws Error when it was not saved */
  save(aggregateId: string, snapshot: Snapshot): Promise<void>;
}

/** What an aggregate needs to use snapshots. */
export interface SnapshotUse {
  readonly store: SnapshotStore;
  /** A snapshot is saved when so many commits were made since the last one. */
  readonly everyCommits: number;
  /** Told why a snapshot was passed over or not saved. */
  onTrouble(aggregateId: string, error: Error): void;
}
