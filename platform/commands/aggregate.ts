import { setTimeout as delay } from 'node:timers/promises';
import { Fault, toError } from '../kernel/fault.js';
import type { AggregateModel } from './aggregate-model.js';
import { notOurs, outOfTime, type AggregateSurroundings, type AggregateTask } from './aggregate-task.js';
import { AnswersInOrder, type Entry } from './answers-in-order.js';
import { Backoff } from '../process/backoff.js';
import { commitAt, isLastVersion, loadAggregate } from './aggregate-loading.js';
import { JournalUnavailable, VersionConflict, type Commit, type NewCommit } from '../journal/journal.js';
import { RecentRequests } from '../journal/recent-requests.js';
import { steadyNow } from '../kernel/steady-clock.js';

type CommandTask<Command, Event extends { readonly type: string }, State, Rejection> = Extract<
  AggregateTask<Command, Event, State, Rejection>,
  { kind: 'command' }
>;

/** A rejection that could not be kept is decided again after so long, in milliseconds. */
const KEEP_AGAIN_MS = 100;
/** A repeat whose first answer could not be read is looked for again after so long, in milliseconds. */
const READ_AGAIN_MS = 100;

/**
 * One aggregate in memory: a mailbox, worked off in order. Commits are appended without waiting for the one before,
 * each fenced by the version that it expects; whatever was decided on a commit is answered only once that commit is in
 * the journal. When an append fails or its outcome is unknown, everything unanswered is decided again on the journal's
 * state; a commit that did get there is found by its command id.
 */
export class Aggregate<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly #queue: AggregateTask<Command, Event, State, Rejection>[] = [];
  readonly #unreleased = new AnswersInOrder<AggregateTask<Command, Event, State, Rejection>>();
  #state: State;
  #version = 0;
  /** The last version that is known to be in the journal and was handed to `onCommitted`. */
  #committedVersion: number | undefined;
  /** The state as of that version. */
  #committedState: State;
  #requests = new RecentRequests();
  /** Of the last snapshot that was read or begun to be saved. */
  #snapshotVersion = 0;
  #isLoaded = false;
  /** Raised at each recovery: results of appends from before mean nothing any more. */
  #epoch = 0;
  #isRunning = false;
  #repeatsUnderWay = 0;
  #wake: (() => void) | undefined;
  #trouble: Error | undefined;
  readonly #backoff = new Backoff({ firstMs: 10, maxMs: 1_000 });

  constructor(
    readonly id: string,
    private readonly model: AggregateModel<Command, Event, State, Rejection>,
    private readonly surroundings: AggregateSurroundings,
  ) {
    this.#state = model.decider.initialState;
    this.#committedState = this.#state;
  }

  /** Tasks that wait for their turn or their answer. */
  get load(): number {
    return this.#queue.length + this.#unreleased.length;
  }

  get isIdle(): boolean {
    return this.load === 0 && !this.#isRunning && this.#repeatsUnderWay === 0;
  }

  get version(): number {
    return this.#version;
  }

  /** So many commits follow its last snapshot in the journal, as far as is known. */
  get commitsSinceSnapshot(): number {
    return (this.#committedVersion ?? 0) - this.#snapshotVersion;
  }

  /** Why nothing goes on at present, if so. */
  get trouble(): Error | undefined {
    return this.#trouble;
  }

  /** Some 200 bytes a remembered request were measured (docs/scaling.md); rather too many than too few. */
  estimateBytes(): number {
    return this.model.estimateBytes(this.#state) + 250 * this.#requests.size;
  }

  post(task: AggregateTask<Command, Event, State, Rejection>): void {
    this.#queue.push(task);
    this.#run();
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      // Most often nothing has to be waited for.
      if (this.#decideWaiting()) return this.#rest();
    } catch (thrown) {
      this.#abandon(toError(thrown));
      return this.#rest();
    }
    this.#workOff()
      .catch((thrown: unknown) => this.#abandon(toError(thrown)))
      .finally(() => this.#rest());
  }

  #rest(): void {
    this.#isRunning = false;
    if (this.#queue.length > 0) this.#run();
    else if (this.isIdle) this.surroundings.onIdle();
  }

  async #workOff(): Promise<void> {
    while (!this.#decideWaiting()) {
      const [next] = this.#queue;
      if (next === undefined) return;
      if (!this.#isLoaded) await this.#load(next);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Decides what can be decided at once. @returns whether that was all that waits */
  #decideWaiting(): boolean {
    for (;;) {
      while (this.#queue[0]?.settled) this.#queue.shift();
      const task = this.#queue[0];
      if (task === undefined) return true;
      if (!this.#isLoaded || this.#unreleased.length >= this.surroundings.maxPipelined) return false;
      this.#queue.shift();
      this.#unreleased.add(this.#decide(task));
      this.#release();
    }
  }

  /** Makes the state from the journal, or waits a little when that is not possible. */
  async #load(next: AggregateTask<Command, Event, State, Rejection>): Promise<void> {
    if (this.#trouble !== undefined) await delay(this.#backoff.next());
    const isFirstLoad = this.#committedVersion === undefined;
    const isNew = isFirstLoad && next.kind === 'command' && next.envelope.startsAggregate === true;
    try {
      const loaded = isNew
        ? { version: 0, state: this.model.decider.initialState, requests: new RecentRequests(), snapshotVersion: 0 }
        : await loadAggregate(this.id, this.model, this.surroundings, (commit) => {
            // An append whose outcome was unknown did take place: those behind us have not heard of it.
            if (!isFirstLoad && commit.version > (this.#committedVersion ?? 0)) this.#announce(commit);
          });
      this.#state = loaded.state;
      this.#version = loaded.version;
      this.#committedVersion = loaded.version;
      this.#committedState = loaded.state;
      this.#requests = loaded.requests;
      this.#snapshotVersion = loaded.snapshotVersion;
      this.#isLoaded = true;
    } catch (thrown) {
      const error = toError(thrown);
      if (error instanceof Fault && error.kind === 'data-loss') throw error;
      this.#trouble = error;
    }
  }

  #decide(
    task: AggregateTask<Command, Event, State, Rejection>,
  ): Entry<AggregateTask<Command, Event, State, Rejection>> {
    if (task.kind === 'inspection') {
      const snapshot = { version: this.#version, state: this.#state };
      const entry = { task, done: false, release: () => task.succeed(snapshot) };
      this.#confirm(entry, this.#epoch, this.#version);
      return entry;
    }
    const { envelope, guard } = task;
    const taken = this.#requests.get(envelope.commandId);
    if (taken !== undefined) {
      const isRepeat = taken.fingerprint === envelope.fingerprint;
      return {
        task,
        done: true,
        release: () => (isRepeat ? this.#answerRepeat(task, taken.version) : task.fail(reused())),
      };
    }
    // What is not in the journal may be handed on: should an append of it still get there, its command id tells.
    if (guard?.isValid() === false) return { task, done: true, release: () => task.fail(notOurs()) };
    // A process that was paused gets here before its timers do.
    if (envelope.deadline <= steadyNow()) {
      const late = outOfTime(this.#trouble);
      return { task, done: true, release: () => task.fail(late) };
    }
    const earlier = guard?.earlierRejection();
    if (earlier !== undefined) return this.#reject(task, earlier, undefined);
    try {
      const decision = this.model.decider.decide(envelope.command, this.#state);
      if (decision.kind === 'accepted') return this.#append(task, decision.events);
      return this.#reject(task, decision.rejection, guard?.keepRejection(decision.rejection));
    } catch (thrown) {
      const error = toError(thrown);
      return { task, done: true, release: () => task.fail(error) };
    }
  }

  /** @param kept settles when other instances know of it; only a state that is the last one after that counts */
  #reject(
    task: CommandTask<Command, Event, State, Rejection>,
    rejection: Rejection,
    kept: Promise<void> | undefined,
  ): Entry<AggregateTask<Command, Event, State, Rejection>> {
    const release = (): void => {
      if (task.guard?.isValid() === false) task.fail(notOurs());
      else task.succeed({ kind: 'rejected', rejection });
    };
    const entry = { task, done: false, release };
    const [epoch, version] = [this.#epoch, this.#version];
    if (kept === undefined) {
      this.#confirm(entry, epoch, version);
      return entry;
    }
    kept.then(
      () => this.#confirm(entry, epoch, version),
      () => {
        if (epoch !== this.#epoch) return;
        // It is decided again soon; what others wait for goes on.
        entry.done = true;
        entry.release = () => void setTimeout(() => this.post(task), KEEP_AGAIN_MS).unref();
        this.#release();
      },
    );
    return entry;
  }

  /**
   * An append is fenced, but an answer that adds nothing is not: it holds only if the state that it was made on was the
   * last one at some moment since it was asked for. Nobody's word is taken for that but the journal's.
   */
  #confirm(entry: Entry<AggregateTask<Command, Event, State, Rejection>>, epoch: number, version: number): void {
    if (epoch !== this.#epoch) return;
    const isOwn = (commit: Commit): boolean => this.#requests.get(commit.commandId)?.version === commit.version;
    isLastVersion(this.surroundings.journal, this.id, version, isOwn).then(
      (isLast) => {
        if (epoch !== this.#epoch) return;
        if (!isLast) return this.#startOver();
        this.#trouble = undefined;
        entry.done = true;
        this.#release();
      },
      (thrown: unknown) => {
        if (epoch === this.#epoch) this.#recover(entry, toError(thrown));
      },
    );
  }

  #append(
    task: CommandTask<Command, Event, State, Rejection>,
    events: readonly Event[],
  ): Entry<AggregateTask<Command, Event, State, Rejection>> {
    const { commandId, fingerprint, commandType, trace } = task.envelope;
    const expectedVersion = this.#version;
    const version = expectedVersion + 1;
    const recorded = events.map((event) => this.model.codec.encode(event));
    const commit: NewCommit = { commandId, fingerprint, commandType, time: Date.now(), trace, events: recorded };
    const state = events.reduce((before, event) => this.model.decider.evolve(before, event), this.#state);
    this.#state = state;
    this.#version = version;
    this.#requests.add(commandId, { version, fingerprint });
    const entry = {
      task,
      commandId,
      done: false,
      release: () => {
        this.#announce({ ...commit, aggregateId: this.id, version });
        this.#committedState = state;
        task.succeed({ kind: 'committed', version, events, repeated: false });
        const { snapshots } = this.surroundings;
        if (snapshots && this.commitsSinceSnapshot >= snapshots.everyCommits) void this.saveSnapshot();
      },
    };
    const epoch = this.#epoch;
    this.surroundings.journal.append(this.id, expectedVersion, commit, this.#unreleased.lastCommandId).then(
      () => {
        if (epoch !== this.#epoch) return;
        entry.done = true;
        this.#trouble = undefined;
        this.#backoff.reset();
        this.#release();
      },
      (thrown: unknown) => {
        if (epoch === this.#epoch) this.#recover(entry, toError(thrown));
      },
    );
    return entry;
  }

  /** Answers what no longer depends on a commit that is on its way. */
  #release(): void {
    if (!this.#unreleased.release()) return;
    this.#wake?.();
    if (this.isIdle) this.surroundings.onIdle();
  }

  #announce(commit: Commit): void {
    this.#committedVersion = commit.version;
    this.surroundings.onCommitted(commit);
  }

  /** Saves what the aggregate is as of its last commit that is known to be in the journal. Does not throw. */
  async saveSnapshot(): Promise<void> {
    const { snapshots } = this.surroundings;
    const { stateFormat } = this.model;
    // During a recovery the state may lag behind the version.
    if (snapshots === undefined || stateFormat === undefined || !this.#isLoaded) return;
    const version = this.#committedVersion ?? 0;
    const requests = this.#requests.upTo(version);
    const lastCommandId = requests.at(-1)?.commandId;
    if (lastCommandId === undefined) return;
    this.#snapshotVersion = version;
    try {
      const encoded = { stateFormat: stateFormat.version, state: await stateFormat.encode(this.#committedState) };
      await snapshots.store.save(this.id, { version, lastCommandId, requests, ...encoded });
    } catch (error) {
      snapshots.onTrouble(this.id, new Error(`a snapshot is not saved: ${toError(error).message}`, { cause: error }));
    }
  }

  #recover(failed: Entry<AggregateTask<Command, Event, State, Rejection>>, error: Error): void {
    if (error instanceof VersionConflict) this.surroundings.onRefused?.(error);
    const isHopeless = error instanceof Fault;
    if (isHopeless) failed.task.fail(error);
    // After a conflict the journal can be read at once: whoever has won against us has got on.
    this.#startOver(isHopeless || error instanceof VersionConflict ? undefined : error);
  }

  /** Forgets the state and puts all that is unanswered back into the queue, ahead of the rest. */
  #startOver(trouble?: Error): void {
    this.#epoch += 1;
    this.#isLoaded = false;
    this.#committedVersion ??= 0;
    this.#trouble = trouble;
    this.#queue.unshift(...this.#unreleased.takeAll());
    this.#wake?.();
    this.#run();
  }

  #answerRepeat(task: CommandTask<Command, Event, State, Rejection>, version: number): void {
    this.#repeatsUnderWay += 1;
    commitAt(this.surroundings.journal, this.id, version)
      .then(({ events }) => {
        const decoded = events.map((event) => this.model.codec.decode(event));
        task.succeed({ kind: 'committed', version, events: decoded, repeated: true });
      })
      .catch((thrown: unknown) => {
        // Its deadline ends that.
        if (thrown instanceof JournalUnavailable) setTimeout(() => this.post(task), READ_AGAIN_MS).unref();
        else task.fail(toError(thrown));
      })
      .finally(() => {
        this.#repeatsUnderWay -= 1;
        if (this.isIdle) this.surroundings.onIdle();
      });
  }

  /** Its history cannot be understood: everyone who waits is told so. */
  #abandon(error: Error): void {
    for (const task of this.#queue.splice(0)) task.fail(error);
  }
}

function reused(): Fault {
  return new Fault('failed-precondition', 'REQUEST_ID_REUSED', 'the request id belongs to another request');
}
