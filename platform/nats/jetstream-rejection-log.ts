import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DiscardPolicy, RetentionPolicy, StorageType, type StoredMsg, type StreamInfo } from '@nats-io/jetstream';
import { toError } from '../kernel/fault.js';
import type { LoggedRejection, RejectionLog } from '../commands/rejection-log.js';
import type { Logger } from '../telemetry/logger.js';
import type { NatsLink } from './nats-link.js';
import { LAGGING_NODE_MS, addStream, findStream, isClustered, untilTaken } from './open-stream.js';
import { READ_BATCH, readBatch } from './read-stream.js';

export interface RejectionLogOptions {
  /** Stands before the names of the stream and its subjects, such as `THREAD`. */
  readonly prefix: string;
  readonly logger: Logger;
  /** Copies of the stream in a cluster. @default 1 */
  readonly replicas?: number;
  /** A rejection is there for so long. @default 30000 */
  readonly keepMs?: number;
  /** Above so many bytes the oldest go sooner: a new owner reads them all before it decides anything. @default 8 MiB */
  readonly maxBytes?: number;
}

/** A node of a cluster may lag behind for so long, then reading fails and is tried again. */
const LAG_MS = 1_000;
const NS_PER_MS = 1_000_000;

/**
 * Rejections in a small stream in memory, one message for each command, under a subject of its partition. It is read as a
 * whole: most often there is next to nothing in it, and a new owner needs many partitions at once.
 */
export class JetStreamRejectionLog implements RejectionLog {
  #ensuring: Promise<void> | undefined;

  constructor(
    private readonly link: NatsLink,
    private readonly options: RejectionLogOptions,
  ) {}

  /** Makes the stream, unless it is there, so that the first rejection need not. */
  open(): Promise<void> {
    return this.#ensureStream();
  }

  async write({ partition, key, rejection }: LoggedRejection): Promise<void> {
    // Keys may have dots and spaces, and be long.
    const token = createHash('sha256').update(key).digest('base64url').slice(0, 24);
    const data = JSON.stringify({ key, rejection: Buffer.from(rejection).toString('base64') });
    const publish = () => this.link.publish(this.#subject(`${partition}.${token}`), Buffer.from(data), undefined, {});
    try {
      await publish();
    } catch (error) {
      if (!this.link.isConnected) throw error;
      // After a restart of NATS the stream is not there.
      await this.#ensureStream();
      await publish();
    }
  }

  async read(partitions: ReadonlySet<number>): Promise<LoggedRejection[]> {
    const rejections: LoggedRejection[] = [];
    for await (const message of this.#messages()) {
      const partition = Number(message.subject.split('.').at(-2));
      if (!partitions.has(partition)) continue;
      try {
        const { key, rejection } = JSON.parse(message.string()) as { key: string; rejection: string };
        rejections.push({ partition, key, rejection: Buffer.from(rejection, 'base64') });
      } catch (thrown) {
        this.options.logger.error({ partition, error: toError(thrown) }, 'a rejection in the log cannot be read');
      }
    }
    return rejections;
  }

  get #stream(): string {
    return `${this.options.prefix}_REJECTIONS`;
  }

  #subject(rest: string): string {
    return `${this.options.prefix.toLowerCase()}.rejections.${rest}`;
  }

  /** All that the stream's leader had when it was asked. */
  async *#messages(): AsyncIterable<StoredMsg> {
    const info = await findStream(this.link, this.#stream);
    if (info === undefined || info.state.messages === 0) return;
    const { first_seq: first, last_seq: last } = info.state;
    const giveUpAt = performance.now() + LAG_MS;
    for (let next = first; next <= last;) {
      const messages = await readBatch(this.link, this.#stream, { seq: next, batch: READ_BATCH });
      yield* messages;
      next = (messages.at(-1)?.seq ?? next - 1) + 1;
      if (messages.length > 0) continue;
      // Either the last ones went with their time, or the node that answered does not have them yet.
      if (!isClustered(this.link) || isGone(await findStream(this.link, this.#stream), last)) return;
      if (performance.now() > giveUpAt) throw new Error('a node of the cluster lags behind with what was rejected');
      await delay(LAGGING_NODE_MS);
    }
  }

  #ensureStream(): Promise<void> {
    return (this.#ensuring ??= this.#makeStream().finally(() => (this.#ensuring = undefined)));
  }

  async #makeStream(): Promise<void> {
    const { keepMs = 30_000, replicas = 1, maxBytes = 8 * 1024 * 1024 } = this.options;
    const max_age = keepMs * NS_PER_MS;
    const found = await findStream(this.link, this.#stream);
    // Another setting made it. Only longer, as instances with the earlier one may still be there.
    if (found !== undefined && found.config.max_age < max_age) {
      await this.link.ask(() => this.link.manager.streams.update(this.#stream, { ...found.config, max_age }));
    }
    if (found !== undefined) return;
    await addStream(this.link, {
      name: this.#stream,
      subjects: [this.#subject('*.*')],
      storage: StorageType.Memory,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
      max_age,
      max_bytes: maxBytes,
      num_replicas: replicas,
      allow_direct: true,
    });
    // Nobody uses that subject, and nothing is written.
    await untilTaken(this.link, this.#subject('-.-'));
  }
}

function isGone(info: StreamInfo | undefined, sequence: number): boolean {
  return info === undefined || info.state.messages === 0 || info.state.first_seq > sequence;
}
