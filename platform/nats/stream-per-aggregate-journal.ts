import { setTimeout as delay } from 'node:timers/promises';
import type { StoredMsg } from '@nats-io/jetstream';
import { VersionConflict, type AggregateVersion } from '../journal/journal.js';
import { AppendQueue } from './append-queue.js';
import { assertFits, brokenHistory, unavailable } from './journal-errors.js';
import { MessageJournal, type MessageAppend } from './message-journal.js';
import type { NatsLink } from './nats-link.js';
import { publishFenced } from './publish-fenced.js';
import { StreamBudget } from './stream-budget.js';
import { isClustered, journalStream, LAGGING_NODE_MS, untilTaken } from './open-stream.js';
import { lastSequenceOf, readBatch, streamExists } from './read-stream.js';

export interface JetStreamJournalOptions {
  /** Stands before the aggregate's id in the names of streams and subjects, such as `THREAD`. */
  readonly prefix: string;
  /** Above so many streams on the server no new aggregate is begun. @default 10000 */
  readonly maxStreams?: number;
  /** Copies of each stream in a cluster. @default 1 */
  readonly replicas?: number;
}

/**
 * The journal as one JetStream stream per aggregate. A commit is one message, its version the message's sequence,
 * and the expected last sequence the fence: https://docs.nats.io/nats-concepts/jetstream/headers. The message's id is
 * the command's, which fences pipelined appends; the server forgets the last one when it restarts, so that only those may ask for it.
 *
 * In a cluster, pipelined appends wait for each other instead: there, nats-server 2.15 stops a stream for good on all
 * nodes ("critical write error") when a replicated message does not meet its expected last message id.
 */
export class StreamPerAggregateJournal extends MessageJournal {
  readonly #budget: StreamBudget;
  /** Streams that are being made; appends wait for them. */
  readonly #creations = new Map<string, Promise<void>>();
  readonly #queue = new AppendQueue();

  constructor(
    private readonly link: NatsLink,
    private readonly options: JetStreamJournalOptions,
    onScarce: (streams: number, maxStreams: number) => void,
  ) {
    super();
    this.#budget = new StreamBudget(link, options.maxStreams ?? 10_000, onScarce);
  }

  async *list(): AsyncIterable<AggregateVersion> {
    const prefix = `${this.options.prefix}_`;
    // The server's list comes in pages: a stream that is made meanwhile moves those behind it, one of them to the next page.
    const listed = new Set<string>();
    try {
      for await (const found of isClustered(this.link) ? this.#listOneByOne(prefix) : this.#listAtOnce(prefix)) {
        if (found.version === 0 || listed.has(found.aggregateId)) continue;
        listed.add(found.aggregateId);
        yield found;
      }
    } catch (error) {
      throw unavailable('list', error);
    }
  }

  protected async write(append: MessageAppend): Promise<void> {
    const { aggregateId, expectedVersion, message, afterCommandId } = append;
    assertFits(this.link, message.data);
    if (expectedVersion === 0) this.#createStream(aggregateId);
    // Those behind a creation wait for it as well, so that the order of the calls is kept.
    const creation = this.#creations.get(aggregateId);
    if (creation !== undefined) await creation;
    if (!isClustered(this.link)) return this.#publish(append, afterCommandId);
    await this.#queue.enqueue({
      ...append,
      append: () => this.#publish(append, undefined),
      verify: () => this.#verifyLast(aggregateId, expectedVersion, afterCommandId),
    });
  }

  async #publish(append: MessageAppend, expectLastMsgId: string | undefined): Promise<void> {
    const { aggregateId, expectedVersion, commandId } = append;
    const terms = { msgId: commandId, expectLastSequence: expectedVersion, expectLastMsgId };
    try {
      await publishFenced(this.link, this.#subject(aggregateId), append, terms);
    } catch (error) {
      if (error instanceof VersionConflict) throw error;
      // Without a stream nobody answers; that there is none to a later version is as much a conflict.
      if (expectedVersion > 0 && !(await streamExists(this.link, this.#stream(aggregateId)))) {
        throw new VersionConflict(aggregateId, expectedVersion, { cause: error });
      }
      throw unavailable('append', error);
    }
  }

  protected async startOf(_aggregateId: string, version: number): Promise<number> {
    return version;
  }

  protected async batchFrom(aggregateId: string, sequence: number): Promise<readonly StoredMsg[]> {
    const messages = await readBatch(this.link, this.#stream(aggregateId), { seq: sequence });
    for (const [index, { seq }] of messages.entries()) {
      if (seq !== sequence + index) throw brokenHistory(aggregateId, sequence + index, seq);
    }
    return messages;
  }

  protected async isAllBefore(aggregateId: string, version: number): Promise<boolean> {
    if (!isClustered(this.link)) return true;
    const last = await lastSequenceOf(this.link, this.#stream(aggregateId));
    if (last === undefined || last < version) return true;
    await delay(LAGGING_NODE_MS);
    return false;
  }

  async *#listAtOnce(prefix: string): AsyncIterable<AggregateVersion> {
    for await (const { config, state } of this.link.manager.streams.list(this.#subject('*'))) {
      yield { aggregateId: config.name.slice(prefix.length), version: state.last_seq };
    }
  }

  /** A cluster's own list waits for 4 s when a stream has no leader, and then silently leaves it out. */
  async *#listOneByOne(prefix: string): AsyncIterable<AggregateVersion> {
    const names: AsyncIterable<string> = this.link.manager.streams.names(this.#subject('*'));
    for await (const name of names) {
      const version = await lastSequenceOf(this.link, name);
      if (version !== undefined) yield { aggregateId: name.slice(prefix.length), version };
    }
  }

  /** @throws VersionConflict unless the version is of that command. What a version is of never changes. */
  async #verifyLast(aggregateId: string, version: number, commandId: string | undefined): Promise<void> {
    for await (const commit of this.read(aggregateId, version)) {
      if (commit.version === version && commit.commandId === commandId) return;
      break;
    }
    throw new VersionConflict(aggregateId, version);
  }

  #stream(aggregateId: string): string {
    return `${this.options.prefix}_${aggregateId}`;
  }

  #subject(aggregateId: string): string {
    return `${this.options.prefix.toLowerCase()}.journal.${aggregateId}`;
  }

  #createStream(aggregateId: string): void {
    if (this.#creations.has(aggregateId)) return;
    const creation = this.#addStream(aggregateId).finally(() => this.#creations.delete(aggregateId));
    this.#creations.set(aggregateId, creation);
  }

  async #addStream(aggregateId: string): Promise<void> {
    try {
      await this.#budget.reserve();
      await this.link.ask(() =>
        this.link.manager.streams.add(
          journalStream(this.#stream(aggregateId), this.#subject(aggregateId), this.options.replicas ?? 1),
        ),
      );
      await untilTaken(this.link, this.#subject(aggregateId));
    } catch (error) {
      throw unavailable('create a stream', error);
    }
  }
}
