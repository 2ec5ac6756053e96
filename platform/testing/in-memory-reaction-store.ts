import {
  CheckpointMoved,
  type ProjectionChange,
  type ProjectionCheckpoint,
  type ProjectionStore,
} from '../projection/projection-store.js';
import type { ReactionOperations, ReplayFrom } from '../reactions/reaction-operations.js';

/** Position, versions and dead letters of a reaction in memory, and what operators do to them. */
export class InMemoryReactionStore implements ProjectionStore, ReactionOperations {
  #checkpoint: ProjectionCheckpoint = { feedIdentity: '', sequence: 0, revision: 0, isPaused: false };
  readonly #versions = new Map<string, number>();
  readonly #parked = new Map<string, number[]>();

  async loadCheckpoint(): Promise<ProjectionCheckpoint> {
    return this.#checkpoint;
  }

  async loadVersions(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.#versions].filter(([id]) => aggregateIds.includes(id)));
  }

  async loadParkedVersions(): Promise<ReadonlyMap<string, number>> {
    return new Map([...this.#parked].map(([id, versions]) => [id, Math.max(...versions)]));
  }

  async save(change: ProjectionChange, seen: ProjectionCheckpoint): Promise<ProjectionCheckpoint> {
    if (seen.revision !== this.#checkpoint.revision) throw new CheckpointMoved();
    for (const { aggregateId, version } of change.commits) this.#versions.set(aggregateId, version);
    for (const { aggregateId, version } of change.parked) {
      this.#parked.set(aggregateId, [...(this.#parked.get(aggregateId) ?? []), version]);
    }
    this.#checkpoint = { ...change.position, revision: seen.revision + 1, isPaused: false };
    return this.#checkpoint;
  }

  async pause(): Promise<void> {
    this.#operate({ isPaused: true });
  }

  async resume(): Promise<void> {
    this.#operate({ isPaused: false });
  }

  async retry(aggregateId: string): Promise<boolean> {
    const isParked = this.#parked.delete(aggregateId);
    this.#operate({});
    return isParked;
  }

  async skip(aggregateId: string, which: 'first' | 'all'): Promise<boolean> {
    const versions = this.#parked.get(aggregateId);
    if (versions === undefined) return false;
    this.#versions.set(aggregateId, which === 'first' ? Math.min(...versions) : Math.max(...versions));
    return this.retry(aggregateId);
  }

  async replay(from: readonly ReplayFrom[]): Promise<number> {
    const back = from.filter(({ aggregateId, version }) => (this.#versions.get(aggregateId) ?? 0) >= version);
    for (const { aggregateId, version } of back) this.#versions.set(aggregateId, version - 1);
    this.#operate({});
    return back.length;
  }

  #operate(change: Partial<ProjectionCheckpoint>): void {
    this.#checkpoint = { ...this.#checkpoint, ...change, revision: this.#checkpoint.revision + 1 };
  }
}
