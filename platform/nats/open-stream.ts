import { setTimeout as delay } from 'node:timers/promises';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { Kvm, type KV, type KvOptions } from '@nats-io/kv';
import { TimeoutError } from '@nats-io/transport-node';
import { JournalUnavailable } from '../journal/journal.js';
import { isApiError } from './journal-errors.js';
import type { NatsLink } from './nats-link.js';
import { isNotPermitted } from './not-permitted.js';

/** So long a node of a cluster that lags behind gets, before it is asked again, in milliseconds. */
export const LAGGING_NODE_MS = 5;
/** nats-server's JSStreamNameExistErr, which the client has no name for. */
const STREAM_NAME_IN_USE = 10_058;
/** So long a new stream may take until it takes messages, in milliseconds. */
const TAKEN_WITHIN_MS = 3_000;

/** So often a process looks whether another has made what it may not make itself, in milliseconds. */
const MADE_AGAIN_MS = 250;
/** So long a stream may be without a leader that answers, in milliseconds. */
const LED_WITHIN_MS = 30_000;

/**
 * What there is to know of a stream; undefined when there is no such stream. In a cluster nobody answers for a stream that
 * has no leader, such as one that somebody has just made on busy servers: it is asked for again, for up to half a minute.
 */
export async function findStream(link: NatsLink, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await untilLed(link, () => link.manager.streams.info(stream));
  } catch (error) {
    if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return undefined;
    throw error;
  }
}

/**
 * Asks what may be asked twice, again for as long as nobody answers, up to half a minute: a cluster without a leader takes connections, and
 * nothing else.
 */
export async function untilLed<T>(link: NatsLink, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + LED_WITHIN_MS;
  for (;;) {
    try {
      return await link.ask(ask);
    } catch (error) {
      if (!(error instanceof TimeoutError) || performance.now() > deadline) throw error;
    }
  }
}

/** Makes a stream, or gives the one that somebody else has just made. */
export async function addStream(link: NatsLink, config: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
  try {
    return await untilLed(link, () => link.manager.streams.add(config));
  } catch (error) {
    // Of several who make the same one at a moment, nats-server tells some that theirs is another.
    const made = isApiError(error, STREAM_NAME_IN_USE) ? await findStream(link, config.name) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

/** Is it one of several servers? Then reads may be answered by one that lags behind: only a stream's leader knows all. */
export function isClustered(link: NatsLink): boolean {
  return link.connection.info?.cluster !== undefined;
}

/**
 * Waits until messages to that subject are taken: in a cluster, our node may learn only after a stream's creation where
 * the subject leads to. Writes nothing.
 * @param withinMs how long that may take. @default 3000
 */
export async function untilTaken(link: NatsLink, subject: string, withinMs = TAKEN_WITHIN_MS): Promise<void> {
  if (!isClustered(link)) return;
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      // At a sequence that no stream can have: it is refused as soon as somebody takes it at all.
      const expect = { lastSequence: Number.MAX_SAFE_INTEGER };
      await link.ask(() => link.jetstream.publish(subject, '', { expect }));
    } catch (error) {
      if (isApiError(error, JetStreamApiCodes.StreamWrongLastSequence)) return;
      if (error instanceof JournalUnavailable || isNotPermitted(error) || performance.now() > deadline) throw error;
      await delay(LAGGING_NODE_MS);
    }
  }
}

/**
 * A bucket of keys and values that takes them, made when it is not there; who may only read it waits for who makes it. For
 * use at the start: waits up to half a minute.
 */
export async function openBucket(link: NatsLink, name: string, options: Partial<KvOptions>): Promise<KV> {
  const bucket = await untilMade(() => untilLed(link, () => new Kvm(link.jetstream).create(name, options)));
  // Nobody uses that key, and nothing is written.
  await untilTaken(link, `$KV.${name}.-`, LED_WITHIN_MS).catch((error: unknown) => {
    if (!isNotPermitted(error)) throw error;
  });
  return bucket;
}

/** Asks again for as long as what is missing is somebody else's to make, up to half a minute. */
export async function untilMade<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + LED_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isNotPermitted(error) || performance.now() > deadline) throw error;
      await delay(MADE_AGAIN_MS);
    }
  }
}

/** How every stream of a journal is made: nothing in it is ever deleted. */
export function journalStream(
  name: string,
  subject: string,
  replicas: number,
): Partial<StreamConfig> & { name: string } {
  return {
    name,
    subjects: [subject],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    allow_direct: true,
    deny_delete: true,
    deny_purge: true,
  };
}
