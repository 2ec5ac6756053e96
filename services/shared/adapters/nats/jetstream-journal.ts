import { setTimeout as delay } from 'node:timers/promises';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  JetStreamError,
  RetentionPolicy,
  StorageType,
  type JetStreamPublishOptions,
  type StoredMsg,
} from '@nats-io/jetstream';
import { Fault, toError } from '../../kernel/fault.js';
import {
  assertPlainId,
  JournalUnavailable,
  VersionConflict,
  type AggregateVersion,
  type Commit,
  type Journal,
  type NewCommit,
} from '../../runtime/journal.js';
import { AppendChain } from './append-chain.js';
import { decodeCommit, encodeCommit } from './commit-message.js';
import type { NatsLink } from './nats-link.js';
import { StreamBudget } from './stream-budget.js';

export interface JetStreamJournalOptions {
  /** Stands before the aggregate's id in the names of streams and subjects, such as `THREAD`. */
  readonly prefix: string;
  /** Above so many streams on the server no new aggregate is begun. @default 10000 */
  readonly maxStreams?: number;
  /** Copies of each stream in a cluster. @default 1 */
  readonly replicas?: number;
}

/** nats-server's JSStreamWrongLastMsgIDErrF, which the client has no name for. */
const WRONG_LAST_MESSAGE_ID = 10_070;
/** Likewise JSStreamWrongLastSequenceConstantErr, what a cluster's leader says of an append behind one on its way. */
const WRONG_LAST_SEQUENCE_IN_FLIGHT = 10_164;
const CONFLICTS = [JetStreamApiCodes.StreamWrongLastSequence, WRONG_LAST_MESSAGE_ID, WRONG_LAST_SEQUENCE_IN_FLIGHT];
/** So many commits are asked for at a time. */
const READ_BATCH = 500;
/** A read whose next message does not come within this time has failed, in milliseconds. */
const READ_STALL_MS = 3_000;
/** So long a node that lags behind gets, before it is asked again, in milliseconds. */
const LAGGING_NODE_MS = 5;
/** So long a new stream may take until it takes messages, in milliseconds. */
const TAKEN_WITHIN_MS = 3_000;
/** What a message's headers and envelope add to its events, at most, in bytes. */
const MESSAGE_OVERHEAD_BYTES = 4_096;

/**
 * The journal as one JetStream stream per aggregate. A commit is one message, its version the message's sequence,
 * and the expected last sequence the fence: https://docs.nats.io/nats-concepts/jetstream/headers. The message's id is
 * the command's, which fences pipelined appends; the server forgets the last one when it restarts, so that only those may ask for it.
 *
 * In a cluster, pipelined appends wait for each other instead: there, nats-server 2.15 stops a stream for good on all
 * nodes ("critical write error") when a replicated message does not meet its expected last message id.
 */
export class JetStreamJournal implements Journal {
  readonly #budget: StreamBudget;
  /** Streams that are being made; appends wait for them. */
  readonly #creations = new Map<string, Promise<void>>();
  readonly #chain = new AppendChain();

  constructor(
    private readonly link: NatsLink,
    private readonly options: JetStreamJournalOptions,
    onScarce: (streams: number, maxStreams: number) => void,
  ) {
    this.#budget = new StreamBudget(link, options.maxStreams ?? 10_000, onScarce);
  }

  async append(
    aggregateId: string,
    expectedVersion: number,
    commit: NewCommit,
    afterCommandId?: string,
  ): Promise<void> {
    assertPlainId(aggregateId);
    const { headers, data } = encodeCommit(aggregateId, expectedVersion + 1, commit);
    const maxBytes = (this.link.connection.info?.max_payload ?? Infinity) - MESSAGE_OVERHEAD_BYTES;
    if (data.length > maxBytes) throw tooLarge(data.length, maxBytes);
    if (expectedVersion === 0) this.#createStream(aggregateId);
    // Those behind a creation wait for it as well, so that the order of the calls is kept.
    const creation = this.#creations.get(aggregateId);
    if (creation !== undefined) await creation;
    const publish = (lastMsgID?: string): Promise<void> => {
      const expect = { lastSequence: expectedVersion, ...(lastMsgID !== undefined && { lastMsgID }) };
      return this.#publish(aggregateId, data, { headers, msgID: commit.commandId, expect });
    };
    if (!this.#isClustered) return publish(afterCommandId);
    const own = { makesVersion: expectedVersion + 1, commandId: commit.commandId };
    await this.#chain.run(aggregateId, own, afterCommandId, {
      append: publish,
      verify: () => this.#verifyLast(aggregateId, expectedVersion, afterCommandId),
    });
  }

  async #publish(
    aggregateId: string,
    data: Uint8Array,
    options: Partial<JetStreamPublishOptions> & { readonly expect: { readonly lastSequence: number } },
  ): Promise<void> {
    const expectedVersion = options.expect.lastSequence;
    try {
      const ack = await this.link.ask(() => this.link.jetstream.publish(this.#subject(aggregateId), data, options));
      // The command's earlier commit is there already, at another version.
      if (ack.seq !== expectedVersion + 1) throw new VersionConflict(aggregateId, expectedVersion);
    } catch (thrown) {
      const error = toError(thrown);
      if (error instanceof VersionConflict) throw error;
      if (CONFLICTS.some((code) => isApiError(error, code))) {
        throw new VersionConflict(aggregateId, expectedVersion, { cause: error });
      }
      // Without a stream nobody answers; that there is none to a later version is as much a conflict.
      if (expectedVersion > 0 && !(await this.#exists(aggregateId))) {
        throw new VersionConflict(aggregateId, expectedVersion, { cause: error });
      }
      throw unavailable('append', error);
    }
  }

  async *read(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    assertPlainId(aggregateId);
    let next = fromVersion;
    for (;;) {
      const messages = await this.#readBatch(aggregateId, next);
      for (const message of messages) {
        const commit = decodeCommit({ headers: message.header, data: message.data });
        if (message.seq !== next || commit.version !== next) throw brokenHistory(aggregateId, next, message.seq);
        yield commit;
        next += 1;
      }
      if (messages.length < READ_BATCH && (await this.#isAllBefore(aggregateId, next))) return;
    }
  }

  /**
   * Has the history no version from this one on? In a cluster each node answers reads, also one that lags behind; only
   * the leader knows what has been acknowledged.
   */
  async #isAllBefore(aggregateId: string, version: number): Promise<boolean> {
    if (!this.#isClustered) return true;
    const last = await this.#lastVersion(aggregateId);
    if (last === undefined || last < version) return true;
    await delay(LAGGING_NODE_MS);
    return false;
  }

  async *list(): AsyncIterable<AggregateVersion> {
    const prefix = `${this.options.prefix}_`;
    try {
      if (this.#isClustered) {
        yield* this.#listOneByOne(prefix);
        return;
      }
      const streams = this.link.manager.streams.list(this.#subject('*'));
      for await (const { config, state } of streams) {
        if (state.last_seq > 0) yield { aggregateId: config.name.slice(prefix.length), version: state.last_seq };
      }
    } catch (error) {
      throw unavailable('list', error);
    }
  }

  /** A cluster's own list waits for 4 s when a stream has no leader, and then silently leaves it out. */
  async *#listOneByOne(prefix: string): AsyncIterable<AggregateVersion> {
    const names: AsyncIterable<string> = this.link.manager.streams.names(this.#subject('*'));
    for await (const name of names) {
      const aggregateId = name.slice(prefix.length);
      const version = await this.#lastVersion(aggregateId);
      if (version !== undefined && version > 0) yield { aggregateId, version };
    }
  }

  get #isClustered(): boolean {
    return this.link.connection.info?.cluster !== undefined;
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
        this.link.manager.streams.add({
          name: this.#stream(aggregateId),
          subjects: [this.#subject(aggregateId)],
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.New,
          num_replicas: this.options.replicas ?? 1,
          allow_direct: true,
          deny_delete: true,
          deny_purge: true,
        }),
      );
      if (this.#isClustered) await this.#untilTaken(aggregateId);
    } catch (error) {
      throw unavailable('create a stream', error);
    }
  }

  /** In a cluster, our node may learn only after the stream's creation where its subject leads to. */
  async #untilTaken(aggregateId: string): Promise<void> {
    const deadline = Date.now() + TAKEN_WITHIN_MS;
    for (;;) {
      try {
        // Of a version that no stream can have: it is refused as soon as somebody takes it at all.
        const expect = { lastSequence: Number.MAX_SAFE_INTEGER };
        await this.link.ask(() => this.link.jetstream.publish(this.#subject(aggregateId), '', { expect }));
      } catch (error) {
        if (isApiError(toError(error), JetStreamApiCodes.StreamWrongLastSequence)) return;
        if (error instanceof JournalUnavailable || Date.now() > deadline) throw error;
        await delay(LAGGING_NODE_MS);
      }
    }
  }

  async #exists(aggregateId: string): Promise<boolean> {
    return (await this.#lastVersion(aggregateId)) !== undefined;
  }

  /** Undefined when there is no stream. */
  async #lastVersion(aggregateId: string): Promise<number | undefined> {
    try {
      const { state } = await this.link.ask(() => this.link.manager.streams.info(this.#stream(aggregateId)));
      return state.last_seq;
    } catch (thrown) {
      const error = toError(thrown);
      if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return undefined;
      throw unavailable('look for a stream', error);
    }
  }

  async #readBatch(aggregateId: string, fromVersion: number): Promise<StoredMsg[]> {
    const messages: StoredMsg[] = [];
    try {
      await this.link.ask(async () => {
        const batch = await this.link.manager.direct.getBatch(this.#stream(aggregateId), {
          seq: fromVersion,
          batch: READ_BATCH,
        });
        const stalled = setTimeout(() => batch.stop(new Error('no answer in time')), READ_STALL_MS);
        try {
          for await (const message of batch) {
            stalled.refresh();
            messages.push(message);
          }
        } finally {
          clearTimeout(stalled);
        }
      });
      return messages;
    } catch (thrown) {
      const error = toError(thrown);
      if (error instanceof JetStreamError && 'code' in error && error.code === 404) return messages;
      // Nobody answers for a stream that is not there, nor while the server is away: ask which it is.
      if (messages.length === 0 && !(error instanceof JournalUnavailable) && !(await this.#exists(aggregateId)))
        return [];
      throw unavailable('read', error);
    }
  }
}

function isApiError(error: Error, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

function unavailable(what: string, thrown: unknown): Error {
  if (thrown instanceof Fault || thrown instanceof JournalUnavailable) return thrown;
  return new JournalUnavailable(`the journal could not ${what}: ${toError(thrown).message}`, { cause: thrown });
}

function brokenHistory(aggregateId: string, expected: number, found: number): Fault {
  return new Fault('data-loss', 'HISTORY_GAP', `${aggregateId} has ${found} where version ${expected} must be`);
}

function tooLarge(bytes: number, maxBytes: number): Fault {
  return new Fault('exhausted', 'COMMIT_TOO_LARGE', `the commit has ${bytes} bytes, the journal takes ${maxBytes}`);
}
