import { jetstream, JetStreamApiCodes, jetstreamManager, StorageType } from '@nats-io/jetstream';
import type { Assignment } from '../ownership/assignment.js';
import type { Member } from '../ownership/membership.js';
import { isApiError } from './journal-errors.js';
import type { NatsLink } from './nats-link.js';
import { openBucket } from './open-stream.js';

/** What is kept of an assignment. */
export interface KeptAssignment extends Assignment {
  /** Of this one; another has another. */
  readonly id: string;
  readonly partitions: number;
  /** The members as they were; who of them lives, only they can tell. */
  readonly known: readonly Member[];
}

const KEY = 'assignment';
/** Whoever waits for a stream that has no leader asks again soon after it has one. */
const ANSWERED_WITHIN_MS = 750;

/**
 * The one assignment that a group agrees on: a key in the KV bucket `<PREFIX>_ASSIGNMENT`, replaced by compare and set. It
 * is in memory, as it says nothing that the members do not know: a full disk does not matter, nor that it is lost.
 */
export class AssignmentStore {
  readonly #name: string;

  constructor(
    private readonly link: NatsLink,
    private readonly options: { readonly prefix: string; readonly replicas?: number | undefined },
  ) {
    this.#name = `${options.prefix}_ASSIGNMENT`;
  }

  /** Makes the bucket when it is not there. */
  async open(): Promise<void> {
    const { replicas = 1 } = this.options;
    // Only the leader is sure to know the last value.
    const options = { storage: StorageType.Memory, history: 1, replicas, allow_direct: false };
    await openBucket(this.link, this.#name, options);
  }

  /** @returns undefined when there is no bucket: NATS has lost it, or nobody was ever here */
  async read(): Promise<{ readonly revision: number; readonly assignment: KeptAssignment | undefined } | undefined> {
    const options = { timeout: ANSWERED_WITHIN_MS, checkAPI: false };
    try {
      const message = await this.link.ask(async () => {
        const { streams } = await jetstreamManager(this.link.connection, options);
        return streams.getMessage(`KV_${this.#name}`, { last_by_subj: this.#subject });
      });
      if (message === null) return { revision: 0, assignment: undefined };
      const isKept = message.data.length > 0;
      return { revision: message.seq, assignment: isKept ? message.json<KeptAssignment>() : undefined };
    } catch (error) {
      if (isApiError(error, JetStreamApiCodes.StreamNotFound)) return undefined;
      throw error;
    }
  }

  /**
   * Replaces what has that revision; 0 when there is none.
   * @param assignment undefined when the last member leaves
   * @returns the new revision
   * @throws Error somebody was faster, or nobody answers
   */
  async replace(revision: number, assignment: KeptAssignment | undefined): Promise<number> {
    const expect = { lastSubjectSequence: revision };
    const data = assignment === undefined ? '' : JSON.stringify(assignment);
    const client = jetstream(this.link.connection, { timeout: ANSWERED_WITHIN_MS });
    const { seq } = await this.link.ask(() => client.publish(this.#subject, data, { expect }));
    return seq;
  }

  get #subject(): string {
    return `$KV.${this.#name}.${KEY}`;
  }
}
