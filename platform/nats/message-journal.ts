import type { StoredMsg } from '@nats-io/jetstream';
import { assertPlainId, type AggregateVersion, type Commit, type NewCommit } from '../journal/journal.js';
import { decodeCommit, encodeCommit, readCommitPosition, type CommitMessage } from './commit-message.js';
import { headersOfCommit, type RawJournal, type StoredCommit } from './raw-journal.js';
import { brokenHistory } from './journal-errors.js';
import { READ_BATCH } from './read-stream.js';

/** One commit's message, and where it goes. */
export interface MessageAppend {
  readonly aggregateId: string;
  readonly expectedVersion: number;
  readonly message: CommitMessage;
  readonly commandId: string;
  /** The last commit must be of this command. */
  readonly afterCommandId: string | undefined;
}

/** What the journal's layouts have in common: a commit is one message, whose headers say which. */
export abstract class MessageJournal implements RawJournal {
  async append(
    aggregateId: string,
    expectedVersion: number,
    commit: NewCommit,
    afterCommandId?: string,
  ): Promise<void> {
    assertPlainId(aggregateId);
    const message = encodeCommit(aggregateId, expectedVersion + 1, commit);
    await this.write({ aggregateId, expectedVersion, message, commandId: commit.commandId, afterCommandId });
  }

  async appendMessage(
    ...[aggregateId, expectedVersion, { headers, data }, afterCommandId]: Parameters<RawJournal['appendMessage']>
  ): Promise<void> {
    assertPlainId(aggregateId);
    const message = { headers: headersOfCommit(headers), data };
    const { commandId } = readCommitPosition(headers);
    await this.write({ aggregateId, expectedVersion, message, commandId, afterCommandId });
  }

  read(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    return this.#read(aggregateId, fromVersion, ({ header, data }) => decodeCommit({ headers: header, data }));
  }

  readMessages(aggregateId: string, fromVersion: number): AsyncIterable<StoredCommit> {
    return this.#read(aggregateId, fromVersion, ({ header, data }) => {
      return { version: readCommitPosition(header).version, headers: headersOfCommit(header), data };
    });
  }

  abstract list(): AsyncIterable<AggregateVersion>;

  /** As `append`, of a message that is ready. */
  protected abstract write(append: MessageAppend): Promise<void>;

  /** The sequence in its stream of the commit with that version, or one before it. */
  protected abstract startOf(aggregateId: string, version: number): Promise<number>;

  /** The aggregate's messages from that sequence on, READ_BATCH of them unless there are no more. */
  protected abstract batchFrom(aggregateId: string, sequence: number): Promise<readonly StoredMsg[]>;

  /**
   * Has the history no version from this one on? In a cluster each node answers reads, also one that lags behind; only
   * the leader knows what has been acknowledged. When there is more, it is time to read again.
   */
  protected abstract isAllBefore(aggregateId: string, version: number): Promise<boolean>;

  async *#read<Read extends { readonly version: number }>(
    aggregateId: string,
    fromVersion: number,
    decode: (message: StoredMsg) => Read,
  ): AsyncIterable<Read> {
    assertPlainId(aggregateId);
    let next = fromVersion;
    let sequence = await this.startOf(aggregateId, fromVersion);
    let ahead: Promise<readonly StoredMsg[]> | undefined;
    for (;;) {
      const messages: readonly StoredMsg[] = await (ahead ?? this.batchFrom(aggregateId, sequence));
      ahead = undefined;
      sequence = (messages.at(-1)?.seq ?? sequence - 1) + 1;
      for (const [index, message] of messages.entries()) {
        if (index === 1 && messages.length >= READ_BATCH) {
          // Who wants more than one reads on most often: the server is at work while these are decoded.
          ahead = this.batchFrom(aggregateId, sequence);
          ahead.catch(() => undefined);
        }
        const read = decode(message);
        if (read.version < fromVersion) continue;
        if (read.version !== next) throw brokenHistory(aggregateId, next, read.version);
        next += 1;
        yield read;
      }
      if (messages.length < READ_BATCH && (await this.isAllBefore(aggregateId, next))) return;
    }
  }
}
