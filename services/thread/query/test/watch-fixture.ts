import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { CommitHub } from '../../../../platform/watching/commit-hub.js';
import { InMemoryFeed } from '../../../../platform/testing/in-memory-feed.js';
import { InMemoryJournal } from '../../../../platform/testing/in-memory-journal.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { CallOptions } from '../../../../platform/testing/proto-client.js';
import { commitOf, messagesAdded, threadCreated } from '../../projector/test/projection-fixture.js';
import { openQueries, type QueriesOptions } from './query-fixture.js';

export type Message = Record<string, unknown>;

/** All that a watcher is told, and how it ends. */
export class Watcher {
  readonly commits: Message[] = [];
  readonly heartbeats: number[] = [];
  readonly ended: Promise<ServiceError | undefined>;
  #wake: () => void = () => undefined;
  #hasEnded = false;

  constructor(readonly stream: ClientReadableStream<Message>) {
    stream.on('data', ({ commit, heartbeat }: { commit?: Message; heartbeat?: { version: string } }) => {
      if (commit) this.commits.push(commit);
      if (heartbeat) this.heartbeats.push(Number(heartbeat.version));
      this.#wake();
    });
    this.ended = new Promise<ServiceError | undefined>((resolve) => {
      stream.on('error', (error: ServiceError) => resolve(error));
      stream.on('end', () => setImmediate(() => resolve(undefined)));
    }).finally(() => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  get versions(): number[] {
    return this.commits.map(({ version }) => Number(version));
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#hasEnded) throw new Error(`ended with ${String(await this.ended)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The services on a read model, a journal and a feed of their own. */
export async function openWatches(options: Pick<QueriesOptions, 'maxQueuedPerClient'> = {}) {
  const [admin, member] = [ulid(), ulid()];
  const journal = new InMemoryJournal();
  const feed = new InMemoryFeed();
  const hub = new CommitHub({ journal, feed, heartbeatMs: 200, maxBufferedCommits: 20, maxFollowers: 50 });
  const queries = await openQueries({ hub, stallMs: 300, ...options });
  const watchers: Watcher[] = [];

  /** Writes a commit into journal and feed, and into the read model unless that is late. */
  async function commit(thread: string, version: number, events: ThreadEvent[], isProjected = true): Promise<void> {
    const written = commitOf(thread, version, ...events);
    await journal.append(thread, version - 1, written);
    feed.publish(written);
    if (isProjected) await queries.model.save(written);
  }
  const post = (thread: string, version: number, isProjected = true, text = 'x') =>
    commit(thread, version, [messagesAdded(member, [{ id: ulid(), text }])], isProjected);

  return {
    admin,
    member,
    hub,
    queries,
    commit,
    post,
    /** A thread of administrator and member, with so many posts. */
    async newThread(posts = 0, isProjected = true): Promise<string> {
      const thread = ulid();
      const people = { creatorId: admin, administratorIds: [admin], memberIds: [member] };
      await commit(thread, 1, [threadCreated(thread, people)], isProjected);
      for (let version = 2; version <= posts + 1; version += 1) await post(thread, version, isProjected);
      return thread;
    },
    watch(thread: string, overrides: object = {}, options: CallOptions = {}, client = queries.v1): Watcher {
      const request = { account_id: member, thread_id: thread, ...overrides };
      const watcher = new Watcher(client.stream('WatchThread', request, options));
      watchers.push(watcher);
      return watcher;
    },
    /** Ends what `watch` began, and waits until nobody watches. */
    async allGone(): Promise<void> {
      for (const { stream } of watchers.splice(0)) stream.cancel();
      while (hub.followers > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    async close(): Promise<void> {
      await hub.stop();
      await queries.close();
    },
  };
}

export type Watches = Awaited<ReturnType<typeof openWatches>>;
