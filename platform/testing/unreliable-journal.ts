import {
  JournalUnavailable,
  type AggregateVersion,
  type Commit,
  type Journal,
  type NewCommit,
} from '../journal/journal.js';

/**
 * What happens to one call: it works, is not done at all, or is done and the answer lost. The last two look the same
 * to the caller.
 */
export type Mishap = 'none' | 'not-done' | 'answer-lost';

/** A journal between which and its users the network is bad, in ways that a test chooses. */
export class UnreliableJournal implements Journal {
  /** What happens to the next appends and reads. */
  onAppend: (commit: NewCommit) => Mishap | Promise<Mishap> = () => 'none';
  onRead: (aggregateId: string) => Mishap | Promise<Mishap> = () => 'none';
  /** Appends are done one after another, as on one connection, however long each is held up. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly journal: Journal) {}

  async append(
    ...[aggregateId, expectedVersion, commit, afterCommandId]: Parameters<Journal['append']>
  ): Promise<void> {
    const turn = this.#queue.then(async () => {
      const mishap = await this.onAppend(commit);
      if (mishap === 'not-done') throw new JournalUnavailable('not done');
      await this.journal.append(aggregateId, expectedVersion, commit, afterCommandId);
      if (mishap === 'answer-lost') throw new JournalUnavailable('answer lost');
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async *read(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    if ((await this.onRead(aggregateId)) !== 'none') throw new JournalUnavailable('no answer');
    yield* this.journal.read(aggregateId, fromVersion);
  }

  list(): AsyncIterable<AggregateVersion> {
    return this.journal.list();
  }
}
