import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { toError } from '../kernel/fault.js';
import type { Logger } from '../telemetry/logger.js';
import type { NatsLink } from './nats-link.js';
import { addStream, findStream } from './open-stream.js';

export interface WriteProbeOptions {
  /** Stands before the name of the stream and its subject, such as `THREAD`. */
  readonly prefix: string;
  readonly logger: Logger;
  /** Copies of the stream in a cluster, as many as of the journal's. @default 1 */
  readonly replicas?: number;
  /** @default 2000 */
  readonly everyMs?: number;
  /**
   * When no write has succeeded for so long while connected, NATS counts as unwritable. A cluster that looks for a leader, or a restart, takes less:
   * meanwhile commands had better wait than be refused. @default 15000
   */
  readonly patienceMs?: number;
}

/** More than a block of a file system, so that a full disk cannot take it into what it has begun. */
const PROBE_BYTES = 8 * 1024;

/**
 * Writes a little to NATS's disk, again and again, which must succeed. Being connected does not say so: after a write that
 * failed, as on a full disk, nats-server never writes that stream again until it is restarted, and goes on to answer all else.
 * The stream of the probe meets that as the journal's do.
 */
export class WriteProbe {
  readonly #listeners = new Set<(isWritable: boolean) => void>();
  #isWritable = true;
  #succeededAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isMade = false;

  constructor(
    private readonly link: NatsLink,
    private readonly options: WriteProbeOptions,
  ) {}

  /** False when no write has succeeded for long, though NATS may be connected. */
  get isWritable(): boolean {
    return this.#isWritable;
  }

  /** Calls `listener` at each change. */
  onChange(listener: (isWritable: boolean) => void): void {
    this.#listeners.add(listener);
  }

  start(): void {
    this.#succeededAt = performance.now();
    void this.#probe();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#probe(), this.options.everyMs ?? 2_000).unref();
  }

  async #probe(): Promise<void> {
    const { patienceMs = 15_000 } = this.options;
    try {
      await this.#write();
      this.#succeededAt = performance.now();
      this.#tell(true, {});
    } catch (error) {
      // That is told as such.
      if (!this.link.isConnected) this.#succeededAt = performance.now();
      const failingMs = Math.round(performance.now() - this.#succeededAt);
      // It may be a stream that is gone.
      this.#isMade = false;
      if (failingMs >= patienceMs) this.#tell(false, { reason: toError(error).message, failing_ms: failingMs });
    }
    this.#later();
  }

  async #write(): Promise<void> {
    if (!this.#isMade) await this.#makeStream();
    this.#isMade = true;
    await this.link.publish(this.#subject, Buffer.alloc(PROBE_BYTES), undefined, {});
  }

  get #subject(): string {
    return `${this.options.prefix.toLowerCase()}.probe`;
  }

  async #makeStream(): Promise<void> {
    const name = `${this.options.prefix}_PROBE`;
    if ((await findStream(this.link, name)) !== undefined) return;
    await addStream(this.link, {
      name,
      subjects: [this.#subject],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_msgs: 1,
      num_replicas: this.options.replicas ?? 1,
    });
  }

  #tell(isWritable: boolean, fields: object): void {
    if (isWritable === this.#isWritable || this.#isClosed) return;
    this.#isWritable = isWritable;
    if (isWritable) this.options.logger.info(fields, 'NATS takes writes again');
    else this.options.logger.error(fields, 'NATS takes no writes: is its disk full? After that only its restart helps');
    for (const listener of this.#listeners) listener(isWritable);
  }
}
