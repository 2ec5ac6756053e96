import {
  assertPlainId,
  VersionConflict,
  type AggregateVersion,
  type Commit,
  type Journal,
  type NewCommit,
} from '../journal/journal.js';

/** A journal in memory, for tests of what stands on a journal. Runs the contract suite like the real one. */
export class InMemoryJournal implements Journal {
  readonly #histories = new Map<string, Commit[]>();

  async append(
    aggregateId: string,
    expectedVersion: number,
    commit: NewCommit,
    afterCommandId?: string,
  ): Promise<void> {
    assertPlainId(aggregateId);
    const history = this.#histories.get(aggregateId) ?? [];
    const isAfter = afterCommandId === undefined || history.at(-1)?.commandId === afterCommandId;
    if (history.length !== expectedVersion || !isAfter) throw new VersionConflict(aggregateId, expectedVersion);
    this.#histories.set(aggregateId, history);
    history.push({ ...structuredClone(commit), aggregateId, version: expectedVersion + 1 });
    await Promise.resolve();
  }

  async *read(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    assertPlainId(aggregateId);
    await Promise.resolve();
    yield* (this.#histories.get(aggregateId) ?? []).slice(fromVersion - 1);
  }

  async *list(): AsyncIterable<AggregateVersion> {
    await Promise.resolve();
    for (const [aggregateId, { length: version }] of this.#histories) yield { aggregateId, version };
  }
}
