import { Fault } from '../../../../platform/kernel/fault.js';
import { InvalidRequest } from '../../../../platform/kernel/field-violation.js';
import type { CommitFollower } from '../../../../platform/watching/commit-follower.js';
import type { CommitHub } from '../../../../platform/watching/commit-hub.js';
import type { FairQueue } from '../../../../platform/process/fair-queue.js';
import type { EventCodec } from '../../../../platform/journal/event-codec.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import { Shares } from '../../../../platform/process/shares.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import { Participation, type ParticipationReader } from './participation.js';
import { orThreadNotFound } from './thread-visibility.js';

/** What a watcher is told. */
export type ThreadNews =
  | {
      readonly kind: 'commit';
      readonly version: number;
      /** When it was decided, epoch milliseconds. */
      readonly time: number;
      readonly events: readonly ThreadEvent[];
    }
  | { readonly kind: 'heartbeat'; readonly version: number };

export interface WatchRequest {
  /** Whom the call is from, as counts of clients have it. */
  readonly client: string;
  readonly accountId: string;
  readonly threadId: string;
  /** The first version that is told, from 1. */
  readonly fromVersion: number;
  /** The account's right to see the thread is decided at this version or later. @default 0, any */
  readonly minVersion?: number;
}

export interface ThreadWatchesOptions {
  /** @throws Fault kind `unavailable` while there is no connection yet */
  readonly hub: () => CommitHub;
  readonly participations: ParticipationReader;
  readonly codec: EventCodec<ThreadEvent>;
  /** Has clients take turns at the read model. @default everybody at once */
  readonly turns?: FairQueue;
  /** Watches of one client at once. @default 2000 */
  readonly maxPerClient?: number;
  /** Watches of one account at once. @default 1000 */
  readonly maxPerAccount?: number;
}

/** Lets administrators and members watch their threads. */
export class ThreadWatches {
  /** Watchers of one thread share its commits, and what is in them. */
  readonly #decoded = new WeakMap<Commit, readonly ThreadEvent[]>();

  readonly #ofClients: Shares;
  readonly #ofAccounts: Shares;

  constructor(private readonly options: ThreadWatchesOptions) {
    this.#ofClients = new Shares(options.maxPerClient ?? 2_000);
    this.#ofAccounts = new Shares(options.maxPerAccount ?? 1_000);
  }

  /**
   * Begins to watch, if the account may. That is decided by the read model and, as far as that is behind the version
   * that is asked for or does not show the thread to the account, by the journal: so neither a projector that is late nor
   * one that is down stops anybody.
   *
   * @throws Fault kind `not-found` the account does not see the thread
   * @throws InvalidRequest there is no such version yet
   * @throws Fault kind `exhausted`, reason TOO_MANY_WATCHERS: of this client, of this account, or in all
   */
  async open(request: WatchRequest): Promise<ThreadWatch> {
    const leave = this.#takePlace(request);
    try {
      return await this.#open(request, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  #takePlace({ client, accountId }: WatchRequest): () => void {
    const leaveClient = this.#ofClients.take(client);
    if (leaveClient === undefined) throw tooManyWatchers('client', this.#ofClients.maxEach);
    const leaveAccount = this.#ofAccounts.take(accountId);
    if (leaveAccount !== undefined) return () => (leaveClient(), leaveAccount());
    leaveClient();
    throw tooManyWatchers('account', this.#ofAccounts.maxEach);
  }

  async #open(request: WatchRequest, leave: () => void): Promise<ThreadWatch> {
    const { accountId, threadId, fromVersion, minVersion = 0 } = request;
    const hub = this.options.hub();
    const { participations, turns } = this.options;
    const find = () => participations.findParticipation(accountId, threadId);
    const view = await (turns === undefined ? find() : turns.run(request.client, find));
    const participation = new Participation(accountId, view);
    // A thread that the read model does not have may be new.
    const needed = Math.max(fromVersion - 1, minVersion, 1);
    // Also for a thread that the account does not see, so that one that is there takes no less time than one that is not.
    if (participation.version < needed || !participation.seesThread) {
      for await (const commit of hub.history(threadId, participation.version + 1)) {
        participation.follow(commit.version, this.#eventsOf(commit));
        if (commit.version >= needed && participation.seesThread) break;
      }
    }
    orThreadNotFound(participation.seesThread || undefined);
    if (participation.version < needed) {
      const [path, maximum] =
        fromVersion - 1 > participation.version
          ? ['fromVersion', participation.version + 1]
          : ['minVersion', participation.version];
      throw new InvalidRequest([{ path, fault: { kind: 'out-of-range', minimum: 0, maximum } }]);
    }
    const follower = hub.follow(threadId, fromVersion);
    return new ThreadWatch(follower, participation, (commit) => this.#eventsOf(commit), leave);
  }

  #eventsOf(commit: Commit): readonly ThreadEvent[] {
    const events = this.#decoded.get(commit) ?? commit.events.map((event) => this.options.codec.decode(event));
    this.#decoded.set(commit, events);
    return events;
  }
}

/** One account's watch of one thread. */
export class ThreadWatch {
  #isOver = false;

  constructor(
    private readonly follower: CommitFollower,
    private readonly participation: Participation,
    private readonly eventsOf: (commit: Commit) => readonly ThreadEvent[],
    private readonly onClosed: () => void,
  ) {}

  /** The version that is told next. */
  get nextVersion(): number {
    return this.follower.nextVersion;
  }

  /** Aborts with a Fault when the watch is cut off. */
  get signal(): AbortSignal {
    return this.follower.signal;
  }

  /**
   * What comes next, as soon as it does. The event by which the account loses sight of the thread is the last one.
   *
   * @throws Fault kind `permission-denied`, reason NOT_PARTICIPANT, or kind `not-found`, reason THREAD_DESTROYED, after
   * that; whatever else ends the watch (see CommitFollower). All have `from_version`, with which to resume.
   */
  async next(): Promise<ThreadNews> {
    if (this.#isOver) throw this.#end();
    const followed = await this.follower.next();
    if (followed.kind === 'heartbeat') return followed;
    const { commit } = followed;
    const events = this.eventsOf(commit);
    this.participation.follow(commit.version, events);
    this.#isOver = !this.participation.seesThread;
    return { kind: 'commit', version: commit.version, time: commit.time, events };
  }

  /** The reader does not keep up: ends the watch. */
  cutAsSlow(): void {
    this.follower.cutAsSlow();
  }

  /** Ends the watch with a fault, to which the version is added with which to resume. */
  cut(fault: Fault): void {
    this.follower.cut(fault);
  }

  /** Releases everything; a `next` under way fails. */
  close(): void {
    this.follower.close();
    this.onClosed();
  }

  #end(): Fault {
    const metadata = { from_version: String(this.nextVersion) };
    return this.participation.isDestroyed
      ? new Fault('not-found', 'THREAD_DESTROYED', 'the thread was destroyed', { metadata })
      : new Fault('permission-denied', 'NOT_PARTICIPANT', 'the account takes no part in the thread any more', {
          metadata,
        });
  }
}

function tooManyWatchers(whose: 'client' | 'account', most: number): Fault {
  return new Fault('exhausted', 'TOO_MANY_WATCHERS', `one ${whose} may watch ${most} times here at once`);
}
