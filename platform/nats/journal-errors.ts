import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { Fault, toError } from '../kernel/fault.js';
import { JournalUnavailable } from '../journal/journal.js';
import type { NatsLink } from './nats-link.js';

/** nats-server's JSStreamWrongLastMsgIDErrF, which the client has no name for. */
const WRONG_LAST_MESSAGE_ID = 10_070;
/** What a message's headers and envelope add to its events, at most, in bytes. */
const MESSAGE_OVERHEAD_BYTES = 4_096;

export function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/** True when a stream refused a message because of what the message expects the stream to be at. */
export function isWrongExpectation(error: unknown): boolean {
  return (
    isApiError(error, JetStreamApiCodes.StreamWrongLastSequence) ||
    isApiError(error, JetStreamApiCodes.StreamWrongLastSequenceUnknown) ||
    isApiError(error, WRONG_LAST_MESSAGE_ID)
  );
}

/** A Fault as it is; anything else as JournalUnavailable, which tells what could not be done. */
export function unavailable(what: string, thrown: unknown): Error {
  if (thrown instanceof Fault || thrown instanceof JournalUnavailable) return thrown;
  return new JournalUnavailable(`the journal could not ${what}: ${toError(thrown).message}`, { cause: thrown });
}

export function brokenHistory(aggregateId: string, expected: number, found: number): Fault {
  return new Fault('data-loss', 'HISTORY_GAP', `${aggregateId} has ${found} where version ${expected} must be`);
}

/** @throws Fault kind `exhausted` when no message can hold so much */
export function assertFits(link: NatsLink, data: Uint8Array): void {
  const maxBytes = (link.connection.info?.max_payload ?? Infinity) - MESSAGE_OVERHEAD_BYTES;
  if (data.length <= maxBytes) return;
  const message = `the commit has ${data.length} bytes, the journal takes ${maxBytes}`;
  throw new Fault('exhausted', 'COMMIT_TOO_LARGE', message);
}
