import { DeliverPolicy, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { Backoff } from '../process/backoff.js';
import { pause } from '../process/pause.js';
import type { NatsLink } from './nats-link.js';

export interface StreamFollowerOptions {
  readonly stream: string;
  /** Messages above this sequence are read. */
  readonly afterSequence: number;
  /** Only messages with these subjects are read. @default all */
  readonly subjects?: readonly string[] | undefined;
  /** So many messages are read ahead. */
  readonly readAhead: number;
  /** Called before reading goes on after an interruption; while it throws, it is called again. */
  onInterrupted(): Promise<void>;
}

/** While there is nothing to read the server gives a sign of life so often, in milliseconds. */
const HEARTBEAT_MS = 1_000;
/** Who gives no sign for so long is taken for gone, in milliseconds. */
const SILENCE_MS = 2 * HEARTBEAT_MS;
const LOOK_EVERY_MS = 250;
/** So long it is tried while NATS is connected, in milliseconds; a cluster elects its leaders within less. */
const GIVE_UP_AFTER_MS = 20_000;
/** After these a consumer comes back late or never. */
const ENDS: ReadonlySet<string> = new Set([
  'stream_not_found',
  'consumer_not_found',
  'consumer_deleted',
  'no_responders',
]);

/**
 * Reads a stream in order, with one ordered consumer after the other: as soon as one is silent it is replaced, from where
 * reading was.
 *
 * The client's own recovery does not do for a cluster. An ordered consumer has one copy, on one node. When that dies the
 * client asks for its consumer, gets an error that is not "consumer not found", and asks again only after its back-off of
 * `expires`, 15 to 45 s by default (`resetPendingWithInfo` in @nats-io/jetstream 3.4), for as long as the node is away.
 */
export class StreamFollower {
  #seen: number;
  #messages: ConsumerMessages | undefined;
  /** Since when the reader has waited without a sign; undefined while it is busy with what it has got. */
  #silentSince: number | undefined;
  /** Since when there has been no sign of any consumer although NATS is connected. */
  #failingSince: number | undefined;
  /** What had been seen when there was last said to be more. */
  #owedAfter: number | undefined;

  constructor(
    private readonly link: NatsLink,
    private readonly options: StreamFollowerOptions,
  ) {
    this.#seen = options.afterSequence;
  }

  /** The sequence of the last message that was read, or after which reading began. */
  get seen(): number {
    return this.#seen;
  }

  /** Tells up to where the stream has messages. A consumer that brings none of them until the next time is replaced. */
  noteLast(lastSequence: number): void {
    const isOwed = this.#silentSince !== undefined && lastSequence > this.#seen;
    if (isOwed && this.#owedAfter === this.#seen) this.#messages?.stop();
    this.#owedAfter = isOwed ? this.#seen : undefined;
  }

  /**
   * Ends when the signal aborts or the connection is closed for good; goes on over elections and losses of the connection.
   * @throws Error when no consumer can be had for 20 s although NATS is connected
   */
  async *follow(signal: AbortSignal): AsyncIterable<JsMsg> {
    const backoff = new Backoff({ firstMs: 20, maxMs: 500 });
    let isFirst = true;
    while (!signal.aborted && !this.link.connection.isClosed()) {
      const before = this.#seen;
      try {
        if (!isFirst) await this.options.onInterrupted();
        isFirst = false;
        if (!signal.aborted) yield* this.#consume(signal);
      } catch (error) {
        // NATS has no leader, perhaps, or is away.
        this.#failingSince = this.link.isConnected ? (this.#failingSince ?? performance.now()) : undefined;
        if (performance.now() - (this.#failingSince ?? Infinity) > GIVE_UP_AFTER_MS) throw error;
      }
      if (this.#seen > before) backoff.reset();
      await pause(backoff.next(), signal);
    }
  }

  async *#consume(signal: AbortSignal): AsyncIterable<JsMsg> {
    const { stream, subjects, readAhead } = this.options;
    const consumer = await this.link.ask(() =>
      this.link.jetstream.consumers.get(stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#seen + 1,
        ...(subjects && { filter_subjects: [...subjects] }),
      }),
    );
    const messages = await consumer.consume({ max_messages: readAhead, idle_heartbeat: HEARTBEAT_MS });
    const stop = (): void => messages.stop();
    const watchdog = setInterval(() => {
      if (this.link.isConnected && performance.now() - (this.#silentSince ?? Infinity) > SILENCE_MS) stop();
    }, LOOK_EVERY_MS);
    signal.addEventListener('abort', stop, { once: true });
    this.#messages = messages;
    this.#owedAfter = undefined;
    this.#silentSince = performance.now();
    void this.#listen(messages);
    try {
      if (signal.aborted) return;
      for await (const message of messages) {
        this.#seen = message.seq;
        this.#silentSince = undefined;
        this.#failingSince = undefined;
        yield message;
        this.#silentSince = performance.now();
      }
    } finally {
      clearInterval(watchdog);
      signal.removeEventListener('abort', stop);
      stop();
      this.#silentSince = undefined;
      // Else it would stay for five minutes.
      consumer.delete().catch(() => undefined);
    }
  }

  async #listen(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === 'heartbeat') {
        this.#failingSince = undefined;
        if (this.#silentSince !== undefined) this.#silentSince = performance.now();
      }
      if (ENDS.has(type)) messages.stop();
    }
  }
}
