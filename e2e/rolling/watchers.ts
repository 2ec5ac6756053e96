import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ThreadQueryServiceService as queries } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { WatchThreadResponse } from '../../gen/threadweaver/thread/v1/thread_watch.js';
import type { SeededRandom } from '../chaos/random.js';
import { metadataFor, type Edge } from './edge.js';
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
      const open = api === 'gRPC' ? openGrpc : openEvents;
      const stream = open(this.options.random.pick(this.options.edges()), room, next, take);
      let isEnded = false;
      void stream.ended.then(() => (isEnded = true));
      while (!isEnded && !isOver()) await Promise.race([stream.ended, sleep(LOOK_EVERY_MS)]);
      if (isEnded) this.#result.resumed += 1;
      stream.close();
      await stream.ended;
      if (isEnded) await sleep(RESUME_AFTER_MS);
    }
    if (isComplete()) this.#result.complete += 1;
    else this.#result.violations.push(`${api}: ${room.id} came only to version ${next - 1}, of ${room.version}`);
  }
}

interface OpenStream {
  readonly ended: Promise<void>;
  close(): void;
}

function openGrpc(edge: Edge, room: Room, from: number, take: (version: number) => void): OpenStream {
  const { path, requestSerialize, responseDeserialize } = queries.watchThread;
  const request = {
    ...{ accountId: room.administrator, threadId: room.id, fromVersion: BigInt(from) },
    // Who watches may have read that the thread is there before the read model knows it.
    minVersion: 1n,
  };
  const metadata = metadataFor(room.id);
  const call = edge.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata, {});
  let isClosed = false;
  const ended = new Promise<void>((resolve) => {
    call.on('data', ({ content }: WatchThreadResponse) => {
      if (content?.$case === 'commit' && !isClosed) take(Number(content.value.version));
    });
    call.on('error', () => resolve());
    call.on('end', () => resolve());
  });
  return {
    ended,
    close: () => {
      isClosed = true;
      call.cancel();
    },
  };
}

function openEvents(edge: Edge, room: Room, from: number, take: (version: number) => void): OpenStream {
  const [host, port] = edge.authority.split(':');
  const path = `/v1/threads/${room.id}/events?account_id=${room.administrator}`;
  const headers = { accept: 'text/event-stream', 'x-min-version': '1', 'last-event-id': String(from - 1) };
  let isClosed = false;
  const request = httpRequest({ host, port, path, headers, agent: false });
  const ended = new Promise<void>((resolve) => {
    request.on('error', () => resolve());
    request.on('close', () => resolve());
    request.on('response', (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
        const frames = text.split('\n\n');
        text = frames.pop() ?? '';
        for (const frame of frames) {
          const id = /^id: (\d+)$/m.exec(frame)?.[1];
          if (response.statusCode === 200 && id !== undefined && /^event: (?!error)/m.test(frame) && !isClosed) {
            take(Number(id));
          }
        }
      });
      response.on('error', () => resolve());
      response.on('close', () => resolve());
    });
  });
  request.end();
  return {
    ended,
    close: () => {
      isClosed = true;
      request.destroy();
    },
  };
}
