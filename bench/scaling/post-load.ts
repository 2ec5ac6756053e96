import { credentials, Metadata } from '@grpc/grpc-js';
import { monotonicFactory } from 'ulid';
import { ThreadCommandServiceClient } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { summarize } from '../table.js';
import type { BenchThread } from './thread-history.js';

const ulid = monotonicFactory();
/** So many posts are on their way at once. */
export const IN_FLIGHT = 64;
const DEADLINE_MS = 30_000;

/** What came of one round. */
export interface PostRound {
  readonly perSecond: number;
  readonly p99: number;
}

/** A client that posts messages to threads of a bench. */
export class Poster {
  readonly #client: ThreadCommandServiceClient;

  constructor(address: string) {
    this.#client = new ThreadCommandServiceClient(address, credentials.createInsecure());
  }

  /** @returns milliseconds; rejects when the post fails */
  async post({ id, accountId }: BenchThread): Promise<number> {
    const startedAt = performance.now();
    const request = {
      requestId: ulid(),
      accountId,
      threadId: id,
      messages: [{ text: 'A message of ordinary length, as people write them in their chats', toAccountIds: [] }],
    };
    await new Promise<void>((resolve, reject) => {
      const options = { deadline: Date.now() + DEADLINE_MS };
      this.#client.addMessages(request, new Metadata(), options, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return performance.now() - startedAt;
  }

  /** Posts to one thread after the other, in turns, 64 at once, until the time is over or so many are posted. */
  async round(threads: readonly BenchThread[], { forMs = Infinity, atMost = Infinity }): Promise<PostRound> {
    const samples: number[] = [];
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (next < atMost && performance.now() - startedAt < forMs) {
          const thread = threads[next++ % threads.length];
          if (thread !== undefined) samples.push(await this.post(thread));
        }
      }),
    );
    const perSecond = (1_000 * samples.length) / (performance.now() - startedAt);
    return { perSecond, p99: summarize(samples).p99 };
  }

  close(): void {
    this.#client.close();
  }
}
