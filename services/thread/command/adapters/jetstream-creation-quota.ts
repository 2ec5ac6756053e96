import {
  DiscardPolicy,
  JetStreamApiError,
  PersistMode,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { toError } from '../../../../platform/kernel/fault.js';
import { JournalUnavailable } from '../../../../platform/journal/journal.js';
import { isApiError } from '../../../../platform/nats/journal-errors.js';
import type { NatsLink } from '../../../../platform/nats/nats-link.js';
import { addStream, findStream, untilLed, untilTaken } from '../../../../platform/nats/open-stream.js';
import { BoundedCreations } from '../runtime/bounded-creations.js';
import type { CreationQuota, Place } from '../runtime/creation-quota.js';
import type { ThreadCommands } from '../runtime/thread-command-handler.js';

export interface CreationQuotaOptions {
  /** Stands before the name of the stream and its subjects, such as `THREAD`. */
  readonly prefix: string;
  /** So many threads may an account create. */
  readonly limit: number;
  /** Copies of the stream in a cluster, as many as of the journal's. @default 1 */
  readonly replicas?: number;
}

/** nats-server's JSStreamStoreFailedF, which the client has no name for. It is told for a full disk, too, with another text. */
const STORE_FAILED = 10_077;
const NO_PLACE = 'maximum messages per subject exceeded';
/** So long a repeat is known as one without a look at the journal. */
const REPEATS_KNOWN_NS = 3_600e9;

/** After so many times, a thread's place stays taken: a repeat goes through all that were given back within the hour. */
const MAX_GIVEN_BACK = 5;

/** The step that commands go through before they are carried out, where what an account creates is bounded. */
export async function withinQuota(
  link: NatsLink,
  options: CreationQuotaOptions,
): Promise<(commands: ThreadCommands) => ThreadCommands> {
  const quota = new JetStreamCreationQuota(link, options);
  await quota.open();
  return (commands) => new BoundedCreations(commands, quota);
}

/**
 * The quota as a stream with one tiny message for each thread, under a subject of its creator. The server itself refuses a message beyond
 * the most that a subject may have, for all instances at once, and answers a repeat by its id, also when no place is left.
 */
class JetStreamCreationQuota implements CreationQuota {
  constructor(
    private readonly link: NatsLink,
    private readonly options: CreationQuotaOptions,
  ) {}

  get limit(): number {
    return this.options.limit;
  }

  /** Makes the stream, or gives it this limit. With a lower one the server drops what is beyond it. */
  async open(): Promise<void> {
    const { streams } = this.link.manager;
    const found = await findStream(this.link, this.#stream);
    if (found === undefined) {
      await addStream(this.link, this.#config());
      // Nobody uses that subject, and nothing is written.
      await untilTaken(this.link, this.#subject('-'));
    } else if (found.config.max_msgs_per_subject !== this.limit) {
      const config = { ...found.config, max_msgs_per_subject: this.limit };
      await untilLed(this.link, () => streams.update(this.#stream, config));
    }
  }

  async take(accountId: string, threadId: string): Promise<Place | undefined> {
    try {
      for (let [id, givenBack] = [threadId, 0]; ; givenBack += 1) {
        const { seq: sequence, duplicate } = await this.#publish(accountId, id);
        const isReturnable = !duplicate && givenBack < MAX_GIVEN_BACK;
        if (!duplicate || (await this.#isTaken(sequence))) return { sequence, isReturnable };
        // It was given back; the server knows that id still.
        id = `${threadId}.${sequence}`;
      }
    } catch (thrown) {
      if (isApiError(thrown, STORE_FAILED) && toError(thrown).message === NO_PLACE) return undefined;
      throw unavailable(thrown);
    }
  }

  async giveBack({ sequence }: Place): Promise<void> {
    try {
      await this.link.ask(() => this.link.manager.streams.deleteMessage(this.#stream, sequence, false));
    } catch (thrown) {
      throw unavailable(thrown);
    }
  }

  async #publish(accountId: string, msgId: string): ReturnType<NatsLink['publish']> {
    const publish = () => this.link.publish(this.#subject(accountId), new Uint8Array(), undefined, { msgId });
    try {
      return await publish();
    } catch (error) {
      if (error instanceof JetStreamApiError || !this.link.isConnected) throw error;
      // NATS may have lost its files.
      await this.open();
      return await publish();
    }
  }

  async #isTaken(sequence: number): Promise<boolean> {
    const { streams } = this.link.manager;
    return (await this.link.ask(() => streams.getMessage(this.#stream, { seq: sequence }))) !== null;
  }

  get #stream(): string {
    return `${this.options.prefix}_CREATIONS`;
  }

  #subject(accountId: string): string {
    return `${this.options.prefix.toLowerCase()}.created.${accountId}`;
  }

  #config(): Partial<StreamConfig> & { name: string } {
    const { replicas = 1 } = this.options;
    return {
      name: this.#stream,
      subjects: [this.#subject('*')],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: this.limit,
      duplicate_window: REPEATS_KNOWN_NS,
      num_replicas: replicas,
      // What a crash loses counts no more, which is cheaper than a flush for each. Replicated streams can not have it.
      ...(replicas === 1 && { persist_mode: PersistMode.Async }),
    };
  }
}

function unavailable(thrown: unknown): Error {
  if (thrown instanceof JournalUnavailable) return thrown;
  return new JournalUnavailable(`what accounts have created is not known: ${toError(thrown).message}`, {
    cause: thrown,
  });
}
