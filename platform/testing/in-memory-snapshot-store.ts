import { assertPlainId } from '../journal/journal.js';
import type { Snapshot, SnapshotStore } from '../journal/snapshots.js';

/** Snapshots in memory, for tests. Runs the contract suite like the real one. */
export class InMemorySnapshotStore implements SnapshotStore {
  readonly snapshots = new Map<string, Snapshot>();

  async load(aggregateId: string): Promise<Snapshot | undefined> {
    assertPlainId(aggregateId);
    return Promise.resolve(this.snapshots.get(aggregateId));
  }

  async save(aggregateId: string, snapshot: Snapshot): Promise<void> {
    assertPlainId(aggregateId);
    this.snapshots.set(aggregateId, structuredClone(snapshot));
    return Promise.resolve();
  }
}
