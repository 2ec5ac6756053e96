import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { Subscription } from '@nats-io/transport-node';
import { Fault, toError } from '../kernel/fault.js';
import { steadyNow } from '../kernel/steady-clock.js';
import type { CommandBus, CommandBusListener, RoutedCommand } from '../commands/command-bus.js';
import type { Logger } from '../telemetry/logger.js';
import { isApiError } from './journal-errors.js';
import type { NatsLink } from './nats-link.js';
import { PartitionConsumer } from './partition-consumer.js';
import { decodeAnswer, encodeRoutedCommand } from './routed-command-message.js';
import { addStream, findStream } from './open-stream.js';

export interface CommandBusOptions {
  /** Stands before the names of the stream and its subjects, such as `THREAD`. */
  readonly prefix: string;
  readonly logger: Logger;
  /** Copies of the stream in a cluster. @default 1 */
  readonly replicas?: number;
  /** More bytes than these do not wait for their owners. @default 256 MiB */
  readonly maxBytes?: number;
}

/** nats-server's JSStreamStoreFailedF, which the client has no name for; its description tells what failed. */
const STORE_FAILED = 10_077;
const STREAM_FULL = 'maximum bytes exceeded';
/** No command waits longer than this, whatever its deadline. */
const MAX_AGE_SECONDS = 120;
const MAX_AGE_NS = MAX_AGE_SECONDS * 1_000_000_000;

/**
 * Commands in a work queue of JetStream, in memory: what is lost with NATS is sent again by who waits for the answer.
 * Each partition has a durable consumer with a pinned priority group, so that while members disagree only one of them
 * gets its commands (https://docs.nats.io, ADR-42). Answers come back on one plain subject for each instance.
 */
export class JetStreamCommandBus implements CommandBus {
  readonly #consumers = new Map<number, PartitionConsumer>();
  /** Of partitions that were given away, some perhaps by an earlier call. */
  readonly #closing = new Set<Promise<void>>();
  readonly #inbox: string;
  #listener: CommandBusListener | undefined;
  #answers: Subscription | undefined;
  #unfollow: (() => void) | undefined;
  #ensuring: Promise<void> | undefined;

  constructor(
    private readonly link: NatsLink,
    private readonly options: CommandBusOptions,
  ) {
    this.#inbox = link.createInbox();
  }

  async open(listener: CommandBusListener): Promise<void> {
    this.#listener = listener;
    await this.#ensureStream();
    this.#answers = this.link.connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error !== null) return;
        try {
          const { correlation, answer } = decodeAnswer(message.data);
          listener.onAnswer(correlation, answer);
        } catch (thrown) {
          this.options.logger.error({ error: toError(thrown) }, 'an answer on the command bus cannot be read');
        }
      },
    });
    this.#unfollow = this.link.onStatus((connected) => {
      if (!connected) return;
      for (const consumer of this.#consumers.values()) consumer.reopen();
      listener.onReturn();
    });
  }

  async send(partition: number, correlation: string, command: RoutedCommand): Promise<void> {
    const data = encodeRoutedCommand(command, { replyTo: this.#inbox, correlation });
    const ttl = `${secondsLeft(command.deadline)}s`;
    const publish = () => this.link.ask(() => this.link.jetstream.publish(this.#subject(partition), data, { ttl }));
    try {
      await publish();
    } catch (error) {
      if (isFull(error)) throw busFull(error);
      if (!this.link.isConnected) throw error;
      // After a restart of NATS the stream is not there.
      await this.#ensureStream();
      await publish();
    }
  }

  async serve(partitions: ReadonlySet<number>): Promise<void> {
    const leaving = [...this.#consumers].filter(([partition]) => !partitions.has(partition));
    for (const [partition] of leaving) this.#consumers.delete(partition);
    for (const partition of partitions) {
      if (!this.#consumers.has(partition)) this.#consumers.set(partition, this.#consume(partition));
    }
    for (const [, consumer] of leaving) {
      const closing = consumer.close().finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    await Promise.all(this.#closing);
  }

  async close(): Promise<void> {
    await this.serve(new Set());
    this.#unfollow?.();
    this.#answers?.unsubscribe();
  }

  get #stream(): string {
    return `${this.options.prefix}_COMMANDS`;
  }

  #subject(partition: number | string): string {
    return `${this.options.prefix.toLowerCase()}.commands.${partition}`;
  }

  #consume(partition: number): PartitionConsumer {
    const consumer = new PartitionConsumer(this.link, {
      stream: this.#stream,
      subject: this.#subject(partition),
      partition,
      logger: this.options.logger,
      ensureStream: () => this.#ensureStream(),
      onCommand: async (command) => this.#listener?.onCommand(command),
    });
    consumer.open();
    return consumer;
  }

  #ensureStream(): Promise<void> {
    return (this.#ensuring ??= this.#makeStream().finally(() => (this.#ensuring = undefined)));
  }

  async #makeStream(): Promise<void> {
    const found = await findStream(this.link, this.#stream);
    // A version from before commands had a time to live of their own made it.
    if (found !== undefined && !found.config.allow_msg_ttl) {
      const config = { ...found.config, allow_msg_ttl: true };
      await this.link.ask(() => this.link.manager.streams.update(this.#stream, config));
    }
    if (found !== undefined) return;
    await addStream(this.link, {
      name: this.#stream,
      subjects: [this.#subject('*')],
      storage: StorageType.Memory,
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_age: MAX_AGE_NS,
      allow_msg_ttl: true,
      max_bytes: this.options.maxBytes ?? 256 * 1024 * 1024,
      num_replicas: this.options.replicas ?? 1,
    });
  }
}

/** The queue drops a command itself, by its own clock, when nobody waits for it any more. NATS counts in whole seconds. */
function secondsLeft(deadline: number): number {
  return Math.min(Math.max(1, Math.ceil((deadline - steadyNow()) / 1_000)), MAX_AGE_SECONDS);
}

/** True when a stream that discards no old messages has no room for the new one. */
function isFull(error: unknown): boolean {
  return isApiError(error, STORE_FAILED) && toError(error).message.includes(STREAM_FULL);
}

function busFull(cause: unknown): Fault {
  const message = 'too many commands wait for their owners, try again later';
  return new Fault('exhausted', 'COMMAND_BUS_FULL', message, { cause });
}
