import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiCodes } from '@nats-io/jetstream';
import { VersionConflict } from '../journal/journal.js';
import { isApiError, isWrongExpectation } from './journal-errors.js';
import type { PublishTerms } from './jetstream-publisher.js';
import type { MessageAppend } from './message-journal.js';
import type { NatsLink } from './nats-link.js';
import { LAGGING_NODE_MS } from './open-stream.js';

/** nats-server's JSStreamDuplicateMessageConflict, which the client has no name for. */
const DUPLICATE_UNDER_WAY = 10_158;
/** So often a leader is asked that cannot decide on a message yet. */
const MAX_ATTEMPTS = 20;

/**
 * Publishes a commit once, as its terms say. An answer "duplicate" is never taken for its acknowledgement: in a cluster
 * nats-server gives it before it looks at the fence, also when the message with that id is another writer's, decided otherwise.
 * Should it be our own, whose answer was lost, the journal's reader finds it by its command id.
 *
 * In a cluster the leader cannot decide on a message while another of the same subject or id is under way. Nothing is written then,
 * and it is asked again.
 *
 * @returns the commit's sequence in its stream
 * @throws VersionConflict
 * @throws Error anything else that went wrong; perhaps it is written
 */
export async function publishFenced(
  link: NatsLink,
  subject: string,
  { aggregateId, expectedVersion, message: { headers, data } }: MessageAppend,
  terms: PublishTerms,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { duplicate, seq } = await link.publish(subject, data, headers, terms);
      if (duplicate) throw new VersionConflict(aggregateId, expectedVersion);
      return seq;
    } catch (error) {
      if (isUndecided(error) && attempt < MAX_ATTEMPTS) await delay(LAGGING_NODE_MS);
      else if (isWrongExpectation(error)) throw new VersionConflict(aggregateId, expectedVersion, { cause: error });
      else throw error;
    }
  }
}

function isUndecided(error: unknown): boolean {
  return isApiError(error, JetStreamApiCodes.StreamWrongLastSequenceUnknown) || isApiError(error, DUPLICATE_UNDER_WAY);
}
