import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy, JetStreamApiCodes, type ConsumerInfo, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { toError } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { pause } from '../process/pause.js';
import type { RoutedAnswer, RoutedCommand } from '../commands/command-bus.js';
import type { Logger } from '../telemetry/logger.js';
import { isApiError } from './journal-errors.js';
import type { NatsLink } from './nats-link.js';
import { decodeRoutedCommand, encodeAnswer } from './routed-command-message.js';
import { steadyNow } from '../kernel/steady-clock.js';

export interface PartitionConsumerOptions {
  readonly stream: string;
  readonly subject: string;
  readonly partition: number;
  readonly logger: Logger;
  /** Makes the stream when it is gone. */
  ensureStream(): Promise<void>;
  /** See CommandBusListener. */
  onCommand(command: RoutedCommand): Promise<RoutedAnswer | undefined>;
}

const GROUP = 'owner';
/** A member that asks for no commands for so long loses its pin, and what it has not answered is given out again. */
const PIN_TTL_NS = 2_000_000_000;
/** Shorter than the pin's, as asking for more keeps the pin; JetStream takes no less. */
const PULL_EXPIRES_MS = 1_000;
const PULL_MESSAGES = 64;
/** What is given back is given out again after so long: until the owner has the pin it comes back to whoever still has it. */
const GIVE_BACK_FOR_MS = 20;
/**
 * A member goes on with what it gives away until it sees that the next one has taken the pin. When that one has not for so
 * long, the pin is given back, again and again as it may return, until the last limit.
 */
const LOOK_EVERY_MS = 20;
const OVERLAP_MS = 100;
const UNPIN_FOR_MS = 600;

/** As the server tells it; the client's type leaves the groups out. */
type PinnedConsumerInfo = ConsumerInfo & {
  readonly priority_groups?: readonly { readonly group: string; readonly pinned_client_id?: string }[];
};

/** Takes the commands of one partition, for as long as the pin is this member's. OPEN → CLOSING → CLOSED. */
export class PartitionConsumer {
  readonly #underWay = new Set<Promise<void>>();
  readonly #aborter = new AbortController();
  #messages: ConsumerMessages | undefined;
  #running: Promise<void> | undefined;
  /** This member's, as its last message had it. */
  #pin: string | undefined;
  #hasTakenPin = false;

  constructor(
    private readonly link: NatsLink,
    private readonly options: PartitionConsumerOptions,
  ) {}

  open(): void {
    this.#running = this.#run();
  }

  /** Asks anew, for instance after the connection was lost. */
  reopen(): void {
    this.#messages?.stop();
  }

  /** Goes on until another member has the pin, for a moment at most, then takes no more; finishes what was taken. */
  async close(): Promise<void> {
    await this.#untilTaken();
    this.#aborter.abort();
    this.#messages?.stop();
    await this.#running;
    await Promise.all(this.#underWay);
    // A message that was on its way to nobody keeps the pin for its whole time.
    await this.#unpin();
  }

  get #name(): string {
    return `p${this.options.partition}`;
  }

  async #run(): Promise<void> {
    const { signal } = this.#aborter;
    const backoff = new Backoff({ firstMs: 20, maxMs: 1_000 });
    while (!signal.aborted && !this.link.connection.isClosed()) {
      try {
        await this.#consume();
        backoff.reset();
      } catch (error) {
        const { logger, partition } = this.options;
        logger.debug({ partition, reason: toError(error).message }, 'the partition cannot be consumed, trying again');
        await pause(backoff.next(), signal);
      }
    }
  }

  async #consume(): Promise<void> {
    const info = await this.#ensureConsumer();
    const consumer = this.link.jetstream.consumers.getConsumerFromInfo(info);
    if (this.#aborter.signal.aborted) return;
    this.#messages = await consumer.consume({
      group: GROUP,
      max_messages: PULL_MESSAGES,
      expires: PULL_EXPIRES_MS,
      idle_heartbeat: PULL_EXPIRES_MS / 2,
      abort_on_missing_resource: true,
    });
    if (!this.#hasTakenPin) {
      this.#hasTakenPin = true;
      void this.#takePin();
    }
    if (this.#aborter.signal.aborted) this.#messages.stop();
    for await (const message of this.#messages) {
      this.#pin = message.headers?.get('Nats-Pin-Id');
      const handling = this.#handle(message).finally(() => this.#underWay.delete(handling));
      this.#underWay.add(handling);
    }
  }

  async #ensureConsumer(): Promise<ConsumerInfo> {
    try {
      return await this.#addConsumer();
    } catch (error) {
      if (!isApiError(error, JetStreamApiCodes.StreamNotFound)) throw error;
      await this.options.ensureStream();
      return this.#addConsumer();
    }
  }

  #addConsumer(): Promise<ConsumerInfo> {
    const { stream, subject } = this.options;
    return this.link.ask(() =>
      this.link.manager.consumers.add(stream, {
        durable_name: this.#name,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        ack_wait: PIN_TTL_NS,
        mem_storage: true,
        priority_groups: [GROUP],
        priority_policy: 'pinned_client',
        priority_timeout: PIN_TTL_NS,
      }),
    );
  }

  /** Carries a command out, answers, and only then strikes it off the queue. */
  async #handle(message: JsMsg): Promise<void> {
    try {
      const { command, address } = decodeRoutedCommand(message.data);
      // Nobody waits for it any more.
      if (command.deadline <= steadyNow()) return message.ack();
      const answer = await this.options.onCommand(command);
      if (answer === undefined) return message.nak(GIVE_BACK_FOR_MS);
      this.link.connection.publish(address.replyTo, encodeAnswer(address.correlation, answer));
      message.ack();
    } catch (thrown) {
      const { logger, partition } = this.options;
      logger.error({ partition, error: toError(thrown) }, 'a command from the bus is dropped');
      if (!this.link.connection.isClosed()) message.term();
    }
  }

  /** From whoever had the partition, and perhaps is dead: this member waits for its messages now. */
  async #takePin(): Promise<void> {
    const pin = await this.#currentPin();
    if (pin !== undefined && pin !== this.#pin) await this.#unpin();
  }

  async #untilTaken(): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      await delay(LOOK_EVERY_MS);
      const pin = await this.#currentPin();
      if (pin !== undefined && pin !== this.#pin) return;
      const tookMs = performance.now() - startedAt;
      if (tookMs < OVERLAP_MS) continue;
      if (pin === undefined || tookMs > UNPIN_FOR_MS) return;
      await this.#unpin();
    }
  }

  /** Of whichever member; undefined when nobody has it, or it cannot be known. */
  async #currentPin(): Promise<string | undefined> {
    try {
      const info: PinnedConsumerInfo = await this.link.ask(() =>
        this.link.manager.consumers.info(this.options.stream, this.#name),
      );
      return info.priority_groups?.find(({ group }) => group === GROUP)?.pinned_client_id || undefined;
    } catch {
      return undefined;
    }
  }

  async #unpin(): Promise<void> {
    try {
      await this.link.ask(() => this.link.manager.consumers.unpin(this.options.stream, this.#name, GROUP));
    } catch (error) {
      const { logger, partition } = this.options;
      logger.debug({ partition, reason: toError(error).message }, 'the pin was not given back; it runs out');
    }
  }
}
