import {
  JetStreamApiCodes,
  JetStreamError,
  type BatchCallback,
  type DirectBatchOptions,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { QueuedIterator } from '@nats-io/transport-node';
import { toError } from '../kernel/fault.js';
import { JournalUnavailable } from '../journal/journal.js';
import { isApiError, unavailable } from './journal-errors.js';
import type { NatsLink } from './nats-link.js';

/** So many commits are asked for at a time. */
export const READ_BATCH = 500;
/** A read whose next message does not come within this time has failed, in milliseconds. */
const READ_STALL_MS = 3_000;

/** @throws JournalUnavailable */
export async function streamExists(link: NatsLink, stream: string): Promise<boolean> {
  return (await lastSequenceOf(link, stream)) !== undefined;
}

/**
 * The sequence of a stream's last message, as its leader has it; 0 when it is empty, undefined when there is no stream.
 * @throws JournalUnavailable
 */
export async function lastSequenceOf(link: NatsLink, stream: string): Promise<number | undefined> {
  try {
    const { state } = await link.ask(() => link.manager.streams.info(stream));
    return state.last_seq;
  } catch (error) {
    if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return undefined;
    throw unavailable('look for a stream', error);
  }
}

/**
 * One batch of messages of a stream; none when there are none, or no such stream.
 * @throws JournalUnavailable
 */
export async function readBatch(link: NatsLink, stream: string, query: DirectBatchOptions): Promise<StoredMsg[]> {
  const messages: StoredMsg[] = [];
  try {
    await link.ask(() => collectBatch(link, stream, { batch: READ_BATCH, ...query }, messages));
    return messages;
  } catch (thrown) {
    const error = toError(thrown);
    if (error instanceof JetStreamError && 'code' in error && error.code === 404) return messages;
    // Nobody answers for a stream that is not there, nor while the server is away: ask which it is.
    const isUnanswered = messages.length === 0 && !(error instanceof JournalUnavailable);
    if (isUnanswered && !(await streamExists(link, stream))) return [];
    throw unavailable('read', error);
  }
}

/**
 * By callback, not by iterator: over that, the client (3.4) keeps the subscription, and with it all messages, until its
 * time-out of 5 s. Loads of many histories took gigabytes so.
 */
async function collectBatch(
  link: NatsLink,
  stream: string,
  query: DirectBatchOptions,
  messages: StoredMsg[],
): Promise<void> {
  let stalled: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const callback: BatchCallback<StoredMsg> = (done, message) => {
        if (done !== null) return done.err === undefined ? resolve() : reject(done.err);
        stalled?.refresh();
        messages.push(message);
      };
      const giveUpWhenStalled = (batch: QueuedIterator<StoredMsg>): void => {
        stalled = setTimeout(() => batch.stop(new Error('no answer in time')), READ_STALL_MS);
      };
      link.manager.direct
        .getBatch(stream, { ...query, callback } as DirectBatchOptions)
        .then(giveUpWhenStalled, reject);
    });
  } finally {
    clearTimeout(stalled);
  }
}
