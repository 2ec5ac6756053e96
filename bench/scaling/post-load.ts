import { newCall } from '../../load/engine/user.js';
import { connect } from '../../load/transports/connect.js';
import type { ThreadApi } from '../../load/transports/thread-api.js';
import { summarize } from '../table.js';
import type { BenchThread } from './thread-history.js';

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
  readonly #api: ThreadApi;

  constructor(address: string) {
    this.#api = connect('grpc', `http://${address}`, IN_FLIGHT);
  }

  /** @returns milliseconds; rejects when the post fails */
  async post({ id, accountId }: BenchThread): Promise<number> {
    const startedAt = performance.now();
    const text = 'A message of ordinary length, as people write them in their chats';
    await this.#api.postMessage(newCall(DEADLINE_MS), { accountId, threadId: id, text });
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

  close(): Promise<void> {
    return this.#api.close();
  }
}
