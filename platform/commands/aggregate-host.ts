import { Fault } from '../kernel/fault.js';
import { doneWithin } from '../process/done-within.js';
import type { AggregateModel, VersionedState, CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import { outOfTime, type AggregateTask } from './aggregate-task.js';
import { Aggregate } from './aggregate.js';
import type { Commit, Journal, VersionConflict } from '../journal/journal.js';
import type { DecisionGuard } from './decision-guard.js';
import type { SnapshotUse } from '../journal/snapshots.js';
import { steadyNow } from '../kernel/steady-clock.js';

export interface AggregateHostOptions {
  readonly journal: Journal;
  /** Called once each commit is in the journal; see AggregateSurroundings. */
  onCommitted(commit: Commit): void;
  /** Called when another owner's commit made the journal refuse an append; see AggregateSurroundings. @default nothing */
  readonly onRefused?: ((refusal: VersionConflict) => void) | undefined;
  /** An aggregate leaves memory after so long without a command. @default 60000 */
  readonly passivateAfterMs?: number;
  /** Above so many aggregates in memory, the least recently used leave it. @default 100000 */
  readonly maxAggregates?: number;
  /** Likewise above so many bytes, by estimate. @default 512 MiB */
  readonly maxBytes?: number;
  /** So many commands of one aggregate may wait; more are refused. @default 1000 */
  readonly maxWaitingPerAggregate?: number;
  /** So many commands may wait in all; more are refused. @default 10000 */
  readonly maxWaiting?: number;
  /** So many appends of one aggregate may be on their way at once. @default 128 */
  readonly maxPipelined?: number;
  /** @default none */
  readonly snapshots?: SnapshotUse;
}

/** With so many commits since its last snapshot, another one is worth its price when an aggregate changes hands. */
const SNAPSHOT_WORTH_COMMITS = 50;
const SNAPSHOTS_AT_ONCE = 4;

type TaskOf<Answer, Command, Event extends { readonly type: string }, State, Rejection> = (task: {
  settled: boolean;
  succeed(answer: Answer): void;
  fail(error: Error): void;
}) => AggregateTask<Command, Event, State, Rejection>;

interface Resident<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly aggregate: Aggregate<Command, Event, State, Rejection>;
  bytes: number;
  usedAt: number;
}

/** Keeps aggregates in memory, gives each its commands in order, and lets the idle ones go. RUNNING → DRAINING. */
export class AggregateHost<Command, Event extends { readonly type: string }, State, Rejection> {
  /** In order of use, the least recent first. */
  readonly #residents = new Map<string, Resident<Command, Event, State, Rejection>>();
  readonly #options: Required<Omit<AggregateHostOptions, 'snapshots' | 'onRefused'>> &
    Pick<AggregateHostOptions, 'snapshots' | 'onRefused'>;
  readonly #sweeper: NodeJS.Timeout;
  #bytes = 0;
  #waiting = 0;
  #state: 'RUNNING' | 'DRAINING' = 'RUNNING';
  #drained: (() => void) | undefined;

  constructor(
    /** By the aggregate's id. Throws a Fault for a type that is not known here. */
    private readonly modelOf: (aggregateId: string) => AggregateModel<Command, Event, State, Rejection>,
    options: AggregateHostOptions,
  ) {
    this.#options = {
      passivateAfterMs: 60_000,
      maxAggregates: 100_000,
      maxBytes: 512 * 1024 * 1024,
      maxWaitingPerAggregate: 1_000,
      maxWaiting: 10_000,
      maxPipelined: 128,
      ...options,
    };
    const sweepEveryMs = Math.min(5_000, Math.max(10, this.#options.passivateAfterMs / 4));
    this.#sweeper = setInterval(() => this.#passivateIdle(), sweepEveryMs).unref();
  }

  /** Aggregates in memory. */
  get size(): number {
    return this.#residents.size;
  }

  /** What they take, in bytes, by estimate. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Commands, and questions about a state, that are not answered yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Carries out a command, once, however often it is repeated.
   *
   * @throws Fault kind `exhausted` too many commands wait, or the journal takes no more; nothing was done
   * @throws Fault kind `deadline-exceeded` or `unavailable` no answer in time; the outcome is unknown
   * @throws Fault kind `data-loss` the aggregate's history cannot be understood
   * @throws Fault reason NOT_OURS the guard has ended; the command is not in the journal
   * @param guard asked at each decision. @default nobody else decides anything
   */
  execute(
    envelope: CommandEnvelope<Command>,
    guard?: DecisionGuard<Rejection>,
  ): Promise<CommandOutcome<Event, Rejection>> {
    const { aggregateId, deadline } = envelope;
    return this.#post(aggregateId, deadline, (task) => ({ kind: 'command', envelope, guard, ...task }));
  }

  /** The aggregate's state after all commands before this call. Throws as `execute` does. */
  inspect(aggregateId: string, deadline: number): Promise<VersionedState<State>> {
    return this.#post(aggregateId, deadline, (task) => ({ kind: 'inspection', ...task }));
  }

  /** As `inspect`, but read anew and not kept: for an aggregate that another instance owns. */
  peek(aggregateId: string, deadline: number): Promise<VersionedState<State>> {
    const { journal, onCommitted, maxPipelined } = this.#options;
    const surroundings = { journal, onCommitted, onIdle: () => undefined, maxPipelined };
    const aggregate = new Aggregate(aggregateId, this.modelOf(aggregateId), surroundings);
    return this.#postTo(aggregate, deadline, (task) => ({ kind: 'inspection', ...task }));
  }

  /**
   * Saves snapshots of aggregates whose next owner would have many commits to read, the most first. Commands go on
   * meanwhile, and `forget` may follow at once. Settles when that is done or `limitMs` have passed.
   *
   * @returns how many were saved, or failed, which `snapshots.onTrouble` hears of
   */
  async saveSnapshots(isMeant: (aggregateId: string) => boolean, limitMs: number): Promise<number> {
    if (this.#options.snapshots === undefined) return 0;
    const worthIt = [...this.#residents.values()]
      .map(({ aggregate }) => aggregate)
      .filter(({ id, commitsSinceSnapshot }) => commitsSinceSnapshot >= SNAPSHOT_WORTH_COMMITS && isMeant(id))
      .sort((a, b) => b.commitsSinceSnapshot - a.commitsSinceSnapshot);
    const until = performance.now() + limitMs;
    let next = 0;
    let saved = 0;
    const saving = Array.from({ length: SNAPSHOTS_AT_ONCE }, async () => {
      while (performance.now() < until) {
        const aggregate = worthIt[next++];
        if (aggregate === undefined) return;
        await aggregate.saveSnapshot();
        saved += 1;
      }
    });
    await doneWithin(limitMs, Promise.all(saving));
    return saved;
  }

  /**
   * Drops aggregates whose memory another owner may have outdated; the next command reads the journal. What they have
   * taken on they finish, which the journal's fence keeps right.
   */
  forget(isOutdated: (aggregateId: string) => boolean): void {
    for (const [id, resident] of this.#residents) if (isOutdated(id)) this.#drop(id, resident);
  }

  /** Takes no more commands and waits until those taken are answered. */
  async drain(): Promise<void> {
    this.#state = 'DRAINING';
    clearInterval(this.#sweeper);
    if (this.#waiting > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  #post<Answer>(
    aggregateId: string,
    deadline: number,
    taskOf: TaskOf<Answer, Command, Event, State, Rejection>,
  ): Promise<Answer> {
    const refusal = this.#refusal(deadline);
    if (refusal !== undefined) return Promise.reject(refusal);
    const { aggregate } = this.#residentOf(aggregateId);
    if (aggregate.load >= this.#options.maxWaitingPerAggregate) return Promise.reject(tooManyWaiting(aggregateId));
    return this.#postTo(aggregate, deadline, taskOf);
  }

  #refusal(deadline: number): Fault | undefined {
    if (this.#state === 'DRAINING') return new Fault('unavailable', 'SHUTTING_DOWN', 'shutting down, try again');
    if (deadline <= steadyNow()) return outOfTime(undefined);
    return this.#waiting >= this.#options.maxWaiting ? tooManyWaiting('this instance') : undefined;
  }

  #postTo<Answer>(
    aggregate: Aggregate<Command, Event, State, Rejection>,
    deadline: number,
    taskOf: TaskOf<Answer, Command, Event, State, Rejection>,
  ): Promise<Answer> {
    const refusal = this.#refusal(deadline);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise<Answer>((resolve, reject) => {
      const settle = (answer: () => void): void => {
        if (task.settled) return;
        task.settled = true;
        clearTimeout(timer);
        answer();
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#drained?.();
      };
      const task = taskOf({
        settled: false,
        succeed: (answer) => settle(() => resolve(answer)),
        fail: (error) => settle(() => reject(error)),
      });
      const timer = setTimeout(() => task.fail(outOfTime(aggregate.trouble)), Math.max(0, deadline - steadyNow()));
      this.#waiting += 1;
      aggregate.post(task);
    });
  }

  #residentOf(aggregateId: string): Resident<Command, Event, State, Rejection> {
    let resident = this.#residents.get(aggregateId);
    if (resident === undefined) {
      resident = { aggregate: this.#makeAggregate(aggregateId), bytes: 0, usedAt: performance.now() };
    } else {
      this.#residents.delete(aggregateId);
      resident.usedAt = performance.now();
    }
    this.#residents.set(aggregateId, resident);
    return resident;
  }

  #makeAggregate(id: string): Aggregate<Command, Event, State, Rejection> {
    const { journal, onCommitted, onRefused, maxPipelined, snapshots } = this.#options;
    const onIdle = (): void => this.#weigh(id, aggregate);
    const surroundings = { journal, onCommitted, onIdle, onRefused, maxPipelined, snapshots };
    const aggregate = new Aggregate(id, this.modelOf(id), surroundings);
    return aggregate;
  }

  /** Takes account of an aggregate's size, now that it is idle, and makes room. */
  #weigh(id: string, aggregate: Aggregate<Command, Event, State, Rejection>): void {
    const resident = this.#residents.get(id);
    // It may have been forgotten, and another be in its place.
    if (resident?.aggregate !== aggregate) return;
    // One without history is not worth keeping: made-up ids must not push out real ones.
    if (resident.aggregate.version === 0) return this.#drop(id, resident);
    const bytes = resident.aggregate.estimateBytes();
    this.#bytes += bytes - resident.bytes;
    resident.bytes = bytes;
    if (this.#residents.size > this.#options.maxAggregates || this.#bytes > this.#options.maxBytes) this.#makeRoom();
  }

  #makeRoom(): void {
    for (const [id, resident] of this.#residents) {
      if (this.#residents.size <= this.#options.maxAggregates && this.#bytes <= this.#options.maxBytes) return;
      if (resident.aggregate.isIdle) this.#drop(id, resident);
    }
  }

  #passivateIdle(): void {
    const limit = performance.now() - this.#options.passivateAfterMs;
    for (const [id, resident] of this.#residents) {
      if (resident.usedAt > limit) return;
      if (resident.aggregate.isIdle) this.#drop(id, resident);
    }
  }

  #drop(id: string, resident: Resident<Command, Event, State, Rejection>): void {
    this.#bytes -= resident.bytes;
    this.#residents.delete(id);
  }
}

function tooManyWaiting(where: string): Fault {
  return new Fault('exhausted', 'TOO_MANY_COMMANDS', `too many commands wait for ${where}, try again later`);
}
