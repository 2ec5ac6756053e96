import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededRandom } from '../chaos/random.js';
import type { Edge } from './edge.js';
import type { Room, Rooms } from './rooms.js';

export interface WatchOptions {
  readonly edges: () => readonly Edge[];
  readonly rooms: Rooms;
  readonly random: SeededRandom;
  /** Half of them watch by gRPC, half by server-sent events. */
  readonly watchers: number;
}

/** What watchers saw. */
export interface WatchResult {
  readonly commits: number;
  /** Rooms that were watched from their first version to their last. */
  readonly complete: number;
  /** Streams that ended before their watcher wanted, and were resumed. */
  readonly resumed: number;
  /**
   * From the acknowledgement of a command until a watcher had it, milliseconds; where it was acknowledged first. What was
   * there before somebody watched counts from then.
   */
  readonly lagsMs: readonly number[];
  /** A version that was missed, repeated or never came. */
  readonly violations: readonly string[];
}

const RESUME_AFTER_MS = 50;
const LOOK_EVERY_MS = 100;
/** A room that is left alone must be complete after so long. */
const COMPLETE_WITHIN_MS = 30_000;

/** Clients that watch rooms, each from its first version on, and resume from the last version that they have seen. */
export class Watchers {
  readonly #loops: readonly Promise<void>[];
  readonly #result = { commits: 0, complete: 0, resumed: 0, lagsMs: [] as number[], violations: [] as string[] };
  #isRunning = true;

  private constructor(private readonly options: WatchOptions) {
    this.#loops = Array.from({ length: options.watchers }, (_, index) => this.#loop(index % 2 === 0 ? 'gRPC' : 'SSE'));
  }

  static start(options: WatchOptions): Watchers {
    return new Watchers(options);
  }

  get result(): WatchResult {
    return this.#result;
  }

  /** Ends it. Rooms that are retired are watched to their end. */
  async stop(): Promise<WatchResult> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
    return this.#result;
  }

  async #loop(api: 'gRPC' | 'SSE'): Promise<void> {
    const { rooms, random, watchers } = this.options;
    while (this.#isRunning) {
      const candidates = rooms.newest(watchers);
      if (candidates.length === 0) await sleep(LOOK_EVERY_MS);
      else await this.#watch(random.pick(candidates), api);
    }
  }

  /** Watches a room until it is retired and all that was acknowledged has come. */
  async #watch(room: Room, api: 'gRPC' | 'SSE'): Promise<void> {
    const begunAt = Date.now();
    let next = 1;
    let retiredAt: number | undefined;
    const take = (version: number): void => {
      if (version !== next) {
        this.#result.violations.push(`${api}: version ${version} of ${room.id} came instead of ${next}`);
      }
      next = version + 1;
      this.#result.commits += 1;
      const acknowledgedAt = room.acknowledgedAt.get(version);
      if (acknowledgedAt !== undefined) this.#result.lagsMs.push(Date.now() - Math.max(acknowledgedAt, begunAt));
    };
    const isComplete = (): boolean => room.isRetired && room.pending === 0 && next > room.version;
    const isOver = (): boolean => {
      if (isComplete()) return true;
      if (room.isRetired && room.pending === 0) retiredAt ??= Date.now();
      return retiredAt !== undefined && Date.now() - retiredAt > COMPLETE_WITHIN_MS;
    };
    while (!isOver()) {
      const closing = new AbortController();
      const watching = this.#follow(room, api, next, take, closing.signal);
      let isEnded = false;
      void watching.then(() => (isEnded = true));
      while (!isEnded && !isOver()) await Promise.race([watching, sleep(LOOK_EVERY_MS)]);
      if (isEnded) this.#result.resumed += 1;
      closing.abort();
      await watching;
      if (isEnded) await sleep(RESUME_AFTER_MS);
    }
    if (isComplete()) this.#result.complete += 1;
    else this.#result.violations.push(`${api}: ${room.id} came only to version ${next - 1}, of ${room.version}`);
  }

  /** One stream, to its end. Why it ended is of no matter: what is missing is seen. */
  async #follow(
    room: Room,
    api: 'gRPC' | 'SSE',
    fromVersion: number,
    take: (version: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const edge = this.options.random.pick(this.options.edges());
    // Who watches may have read that the thread is there before the read model knows it.
    const request = { accountId: room.administrator, threadId: room.id, fromVersion, minVersion: 1 };
    try {
      for await (const { version } of edge.watching[api].watchThread(request, signal)) take(version);
    } catch {
      // It is resumed, or it is late.
    }
  }
}
