import { MsgHdrsImpl, type MsgHdrs } from '@nats-io/transport-node';
import { CommitEvents } from '../../gen/threadweaver/journal/v1/commit.js';
import { Fault } from '../kernel/fault.js';
import type { Commit, NewCommit } from '../journal/journal.js';

/** Headers of a commit's message, in the journal and in the feed. */
const header = {
  aggregateId: 'Aggregate-Id',
  version: 'Aggregate-Version',
  commandId: 'Command-Id',
  commandType: 'Command-Type',
  fingerprint: 'Command-Fingerprint',
  time: 'Commit-Time',
  requestId: 'X-Request-Id',
  traceparent: 'Traceparent',
} as const;

export interface CommitMessage {
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/** What may be a commit. */
interface EncodedCommit {
  readonly headers?: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/**
 * What was encoded last, by the commit's events: each commit is written twice, to the journal and as its copy to the
 * feed, and is the same both times.
 */
const encoded = new WeakMap<
  NewCommit['events'],
  CommitMessage & Pick<Commit, 'aggregateId' | 'version' | 'commandId'>
>();

export function encodeCommit(aggregateId: string, version: number, commit: NewCommit): CommitMessage {
  const earlier = encoded.get(commit.events);
  if (earlier?.aggregateId === aggregateId && earlier.version === version && earlier.commandId === commit.commandId) {
    return earlier;
  }
  const { commandId, commandType, fingerprint, trace } = commit;
  if (/[\r\n]/.test(commandId + commandType + fingerprint + trace.requestId + trace.traceparent)) {
    throw new Fault('internal', 'HOSTILE_HEADER', 'a commit has a line break where there can be none');
  }
  // Written at once: `set` looks through all that are there, for each.
  const messageHeaders = MsgHdrsImpl.fromRecord({
    [header.aggregateId]: [aggregateId],
    [header.version]: [String(version)],
    [header.commandId]: [commandId],
    [header.commandType]: [commandType],
    [header.fingerprint]: [fingerprint],
    [header.time]: [String(commit.time)],
    [header.requestId]: [trace.requestId],
    [header.traceparent]: [trace.traceparent],
  });
  const events = commit.events as CommitEvents['events'];
  const message = {
    aggregateId,
    version,
    commandId,
    headers: messageHeaders,
    data: CommitEvents.encode({ events }).finish(),
  };
  encoded.set(commit.events, message);
  return message;
}

/** @throws Fault kind `data-loss` when the message is no commit */
export function decodeCommit({ headers, data }: EncodedCommit): Commit {
  return {
    ...readCommitPosition(headers),
    commandType: textOf(headers, header.commandType),
    fingerprint: detached(textOf(headers, header.fingerprint)),
    time: integerOf(headers, header.time),
    trace: { requestId: textOf(headers, header.requestId), traceparent: textOf(headers, header.traceparent) },
    events: decodeEvents(data),
  };
}

/**
 * Which commit it is, without its events.
 * @throws Fault kind `data-loss` when the headers are not those of a commit
 */
export function readCommitPosition(
  headers: MsgHdrs | undefined,
): Pick<Commit, 'aggregateId' | 'version' | 'commandId'> {
  return {
    aggregateId: textOf(headers, header.aggregateId),
    version: integerOf(headers, header.version),
    commandId: detached(textOf(headers, header.commandId)),
  };
}

function textOf(headers: MsgHdrs | undefined, name: string): string {
  // `get` makes two lists of all headers to find one.
  const value = headers instanceof MsgHdrsImpl ? headers.headers.get(name)?.[0] : headers?.get(name);
  if (value === undefined || value === '') throw unreadable(`header ${name} is missing`);
  return value;
}

/**
 * A copy of what is kept for long. A header's value is a slice of the text of all headers, which it would keep in memory:
 * 850 bytes instead of 200 for each request that an aggregate remembers.
 */
function detached(text: string): string {
  return Buffer.from(text).toString();
}

function integerOf(headers: MsgHdrs | undefined, name: string): number {
  const value = Number(textOf(headers, name));
  if (!Number.isSafeInteger(value)) throw unreadable(`header ${name} is no whole number`);
  return value;
}

function decodeEvents(data: Uint8Array): Commit['events'] {
  try {
    return CommitEvents.decode(data).events;
  } catch (error) {
    throw unreadable('its events cannot be decoded', error);
  }
}

function unreadable(message: string, cause?: unknown): Fault {
  return new Fault('data-loss', 'UNREADABLE_COMMIT', `a commit is unreadable: ${message}`, { cause });
}
