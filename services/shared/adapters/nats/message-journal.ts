import type { StoredMsg } from '@nats-io/jetstream';
import { assertPlainId, type AggregateVersion, type Commit, type NewCommit } from '../../runtime/journal.js';
import { decodeCommit, encodeCommit, readCommitPosition, type CommitMessage } from './commit-message.js';
import { headersOfCommit, type CommitStore, type StoredCommit } from './commit-store.js';
import { brokenHistory } from './journal-errors.js';

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
export abstract class MessageJournal implements CommitStore {
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
    ...[aggregateId, expectedVersion, { headers, data }, afterCommandId]: Parameters<CommitStore['appendMessage']>
  ): Promise<void> {
    assertPlainId(aggregateId);
    const message = { headers: headersOfCommit(headers), data };
    const { commandId } = readCommitPosition(headers);
    await this.write({ aggregateId, expectedVersion, message, commandId, afterCommandId });
  }

  async *read(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    assertPlainId(aggregateId);
    for await (const [version, { header, data }] of this.messages(aggregateId, fromVersion)) {
      const commit = decodeCommit({ headers: header, data });
      if (commit.version !== version) throw brokenHistory(aggregateId, version, commit.version);
      yield commit;
    }
  }

  async *readMessages(aggregateId: string, fromVersion: number): AsyncIterable<StoredCommit> {
    assertPlainId(aggregateId);
    for await (const [version, { header, data }] of this.messages(aggregateId, fromVersion)) {
      yield { version, headers: headersOfCommit(header), data };
    }
  }

  abstract list(): AsyncIterable<AggregateVersion>;

  /** As `append`, of a message that is ready. */
  protected abstract write(append: MessageAppend): Promise<void>;

  /** Versions with their messages, without gaps. */
  protected abstract messages(aggregateId: string, fromVersion: number): AsyncIterable<[number, StoredMsg]>;
}
