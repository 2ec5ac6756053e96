import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { Journal } from '../journal/journal.js';
import type { CommitMessage } from './commit-message.js';

/** A commit as it is stored, byte for byte. */
export interface StoredCommit extends CommitMessage {
  readonly version: number;
}

/**
 * A journal whose commits can be copied as they are, without understanding them: from one layout into another, to a
 * file and back.
 */
export interface RawJournal extends Journal {
  /** As `append`, of a message that `readMessages` has given. Its headers are not changed. */
  appendMessage(
    aggregateId: string,
    expectedVersion: number,
    message: CommitMessage,
    afterCommandId?: string,
  ): Promise<void>;
  /** As `read`; without the headers that NATS itself has put there. */
  readMessages(aggregateId: string, fromVersion: number): AsyncIterable<StoredCommit>;
}

/** A copy of the headers, without those that tell NATS how to store the message or where it lies. */
export function headersOfCommit(stored: MsgHdrs | undefined): MsgHdrs {
  const own = headers();
  for (const [name, values] of stored ?? []) {
    if (!name.startsWith('Nats-')) for (const value of values) own.append(name, value);
  }
  return own;
}
