import type { JsMsg } from '@nats-io/jetstream';
import { toError } from '../kernel/fault.js';
import { FeedLost, type FeedBounds, type FeedEntry, type FeedReader } from '../journal/feed.js';
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
import { StreamFollower } from './stream-follower.js';

/** So often it is asked whether the feed is still the same and up to where it goes, in milliseconds. */
const CHECK_EVERY_MS = 2_000;
/** A reader of some partitions asks only each so many times whether its consumer still brings what there is. */
const CHECKS_OF_SOME = 10;
/** So many entries are read ahead. */
const READ_AHEAD = 1_000;

/** Reads the feed's stream, from wherever it is served, and notices when it is another one. */
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
    let checks = 0;
    const lost = new AbortController();
    const checkIdentity = async (): Promise<void> => {
      // Before it is asked: more may come before the answer does.
      const { seen } = follower;
      const bounds = await this.bounds();
      // In a cluster, a feed that was lost with all nodes' memory comes back empty, with its identity.
      if (bounds.identity !== identity || bounds.lastSequence < seen) lost.abort();
      // What comes last may be of other partitions: a reader of some then gets another consumer for nothing.
      checks += 1;
      if (this.only === undefined || checks % CHECKS_OF_SOME === 0) follower.noteLast(bounds.lastSequence);
    };
    const follower = new StreamFollower(this.link, {
      stream: feedStreamName(this.options),
      afterSequence,
      subjects: this.only && feedFilterOf(this.options, this.only),
      readAhead: READ_AHEAD,
      onInterrupted: checkIdentity,
    });
    // A consumer would wait in the new stream for the old one's next sequence. Without an answer, the next time tells.
    const check = (): void => void (this.link.isConnected && checkIdentity().catch(() => undefined));
    const unsubscribe = this.link.onStatus(check);
    const checking = setInterval(check, CHECK_EVERY_MS);
    try {
      for await (const message of follower.follow(AbortSignal.any([signal, lost.signal]))) {
        yield this.#entryOf(message);
      }
    } catch (error) {
      throw new FeedLost('the feed cannot be read', { cause: error });
    } finally {
      unsubscribe();
      clearInterval(checking);
    }
    if (lost.signal.aborted) throw new FeedLost('the feed was made anew');
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
