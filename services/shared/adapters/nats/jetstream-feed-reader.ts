import { DeliverPolicy, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { toError } from '../../kernel/fault.js';
import { FeedLost, type FeedBounds, type FeedEntry, type FeedReader } from '../../runtime/feed.js';
import { decodeCommit } from './commit-message.js';
import {
  ensureFeedStream,
  feedFilterOf,
  feedStreamName,
  feedSubject,
  TAKEOVER_TOKEN,
  type FeedStreamOptions,
} from './feed-stream.js';
import type { NatsLink } from './nats-link.js';

/** So often it is asked whether the feed is still the same, in milliseconds. */
const CHECK_EVERY_MS = 2_000;
/** So many entries are read ahead. */
const READ_AHEAD = 1_000;
/** A reader that hears nothing for two of these asks anew: the node that served it may be gone. In milliseconds. */
const HEARTBEAT_MS = 1_000;

/** Reads the feed's stream with an ordered consumer, which notices gaps and takes up where it was. */
export class JetStreamFeedReader implements FeedReader {
  constructor(
    private readonly link: NatsLink,
    private readonly options: FeedStreamOptions,
    /** Of the feed's partitions only these, and takeovers. @default all */
    private readonly only?: readonly number[],
  ) {}

  async bounds(): Promise<FeedBounds> {
    const { created, state } = await ensureFeedStream(this.link, this.options);
    return { identity: created, firstSequence: state.first_seq, lastSequence: state.last_seq };
  }

  async *read(afterSequence: number, signal: AbortSignal): AsyncIterable<FeedEntry> {
    const { identity } = await this.bounds();
    const consumer = await this.link.jetstream.consumers.get(feedStreamName(this.options), {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: afterSequence + 1,
      ...(this.only && { filter_subjects: feedFilterOf(this.options, this.only) }),
    });
    const messages = await consumer.consume({ max_messages: READ_AHEAD, idle_heartbeat: HEARTBEAT_MS });
    let seen = afterSequence;
    let lost: FeedLost | undefined;
    const stop = (): void => messages.stop();
    const lose = (cause?: unknown): void => {
      lost = new FeedLost('the feed was made anew', { cause });
      stop();
    };
    const checkIdentity = async (connected: boolean): Promise<void> => {
      if (!connected) return;
      const bounds = await this.bounds();
      // In a cluster, a feed that was lost with all nodes' memory comes back empty, with its identity.
      if (bounds.identity !== identity || bounds.lastSequence < seen) lose();
    };
    const unsubscribe = this.link.onStatus((connected) => void checkIdentity(connected).catch(lose));
    // An ordered consumer would wait in the new stream for the old one's next sequence.
    const check = setInterval(() => void checkIdentity(this.link.isConnected).catch(lose), CHECK_EVERY_MS);
    signal.addEventListener('abort', stop, { once: true });
    void loseWithStream(messages, lose);
    try {
      if (signal.aborted) return;
      for await (const message of messages) {
        seen = message.seq;
        yield this.#entryOf(message);
      }
    } catch (error) {
      lose(error);
    } finally {
      unsubscribe();
      clearInterval(check);
      signal.removeEventListener('abort', stop);
      stop();
    }
    if (lost !== undefined) throw lost;
  }

  #entryOf(message: JsMsg): FeedEntry {
    const sequence = message.seq;
    if (message.subject === feedSubject(this.options, TAKEOVER_TOKEN)) return { kind: 'takeover', sequence };
    try {
      return { kind: 'commit', sequence, commit: decodeCommit(message) };
    } catch (error) {
      return { kind: 'malformed', sequence, error: toError(error) };
    }
  }
}

async function loseWithStream(messages: ConsumerMessages, lose: () => void): Promise<void> {
  for await (const status of messages.status()) {
    if (status.type === 'stream_not_found') lose();
  }
}
