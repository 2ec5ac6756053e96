import { setMaxListeners } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ScenarioName } from '../scenarios/scenario-names.js';
import { scenarioOf } from '../scenarios/index.js';
import type { Scenario, Stage } from '../scenarios/scenario.js';
import { connect } from '../transports/connect.js';
import type { LoadOptions } from './load-options.js';
import { type IntervalStats, Recorder } from './recorder.js';
import { SeededRandom } from './seeded-random.js';
import { iterationArrival, scenarioDealer, userArrivals, type WorkerSeat } from './user-flow.js';
import { RequestFailed, User } from './user.js';
import { type WorkerCost, WorkerMeter } from './worker-meter.js';

/** Stats are handed over so often, in milliseconds. */
const REPORT_EVERY_MS = 1_000;
/** A user whose request failed waits at least so long, so that a mesh that refuses at once is not hammered. */
const LEAST_PAUSE_AFTER_FAILURE_MS = 100;

/** A worker's part of a run. */
export interface WorkerAssignment extends WorkerSeat {
  readonly options: LoadOptions;
  /** A ULID. */
  readonly runId: string;
}

/** What happened since the report before. */
export interface WorkerReport {
  /** When it was made, in milliseconds since the start. */
  readonly atMs: number;
  /** The most at the same time. */
  readonly users: number;
  readonly stats: readonly IntervalStats[];
}

/** Runs a part of the users. CREATED → prepare → run → ENDED; `stop` ends either early. */
export class LoadWorker {
  readonly #stage: Stage;
  readonly #stop = new AbortController();
  readonly #recorder = new Recorder();
  readonly #scenarios = new Map<ScenarioName, Scenario>();
  #users = 0;
  #mostUsers = 0;
  #startAt = 0;

  constructor(private readonly assignment: WorkerAssignment) {
    const { options, runId, workerIndex, workerCount } = assignment;
    setMaxListeners(0, this.#stop.signal);
    const concurrency = Math.ceil(options.users / workerCount);
    const api = connect(options.protocol, options.target, concurrency);
    this.#stage = { api, options, recorder: this.#recorder, stop: this.#stop.signal, runId, workerIndex, workerCount };
    for (const { name } of options.scenarios) this.#scenarios.set(name, scenarioOf(name, this.#stage));
  }

  /**
   * Makes what the scenarios need.
   * @throws PreparationFailed
   */
  async prepare(report: (done: number, total: number) => void): Promise<void> {
    for (const scenario of this.#scenarios.values()) await scenario.prepare?.(report);
  }

  /**
   * Runs the users until the time is over or `stop`, and all have ended.
   * @param startAt epoch milliseconds, the same for all workers
   */
  async run(startAt: number, report: (report: WorkerReport) => void): Promise<WorkerCost> {
    // On the clock of performance.now(), which never jumps.
    this.#startAt = startAt - performance.timeOrigin;
    const { options } = this.assignment;
    await sleep(Math.max(0, this.#startAt - performance.now()));
    const meter = new WorkerMeter();
    const end = setTimeout(() => this.stop(), options.rampMs + options.holdMs);
    const reporting = setInterval(() => {
      meter.look();
      report(this.#report());
    }, REPORT_EVERY_MS);
    await (options.rate === undefined ? this.#runUsers() : this.#runIterations());
    clearTimeout(end);
    clearInterval(reporting);
    const cost = meter.end();
    report(this.#report());
    return cost;
  }

  /** Users end: none begins a request any more, and those under way are waited for. */
  stop(): void {
    this.#stop.abort();
  }

  close(): Promise<void> {
    return this.#stage.api.close();
  }

  #report(): WorkerReport {
    const users = this.#mostUsers;
    this.#mostUsers = this.#users;
    return { atMs: performance.now() - this.#startAt, users, stats: this.#recorder.take() };
  }

  /** Closed model. */
  async #runUsers(): Promise<void> {
    const { options, workerIndex, workerCount } = this.assignment;
    const arrivals = userArrivals(options, this.assignment);
    const before = Math.ceil(options.users / workerCount) * workerIndex;
    const deal = scenarioDealer(options.scenarios, before % 1_000);
    await Promise.all(
      arrivals.map(async (arrival, index) => {
        const scenario = this.#scenarios.get(deal().name) as Scenario;
        const user = this.#newUser(index);
        await user.pause(this.#startAt + arrival - performance.now());
        this.#count(1);
        while (!user.isStopping) await this.#play(scenario, user);
        this.#count(-1);
      }),
    );
  }

  /** Open model: an arrival that finds all users busy waits, and its latency counts from its arrival. */
  async #runIterations(): Promise<void> {
    const { options, workerCount, workerIndex } = this.assignment;
    const most = Math.max(1, Math.floor(options.users / workerCount));
    const deal = scenarioDealer(options.scenarios, workerIndex);
    const clock = this.#newUser(0);
    const playing = new Set<Promise<void>>();
    let freed: () => void = () => undefined;
    this.#stop.signal.addEventListener('abort', () => freed());
    for (let index = 0; ; index += 1) {
      const arrival = this.#startAt + iterationArrival(options, this.assignment, index);
      await clock.pause(arrival - performance.now());
      while (playing.size >= most && !clock.isStopping) await new Promise<void>((resolve) => (freed = resolve));
      if (clock.isStopping) {
        this.#recordUnbegun(index, performance.now() - this.#startAt);
        break;
      }
      const user = this.#newUser(index + 1);
      user.intendAt(arrival);
      const iteration = this.#play(this.#scenarios.get(deal().name) as Scenario, user).finally(() => {
        playing.delete(iteration);
        this.#count(-1);
        freed();
      });
      this.#count(1);
      playing.add(iteration);
    }
    await Promise.all(playing);
  }

  /** What should have begun by now and found no free user counts as failed, lest an overload looks like less load. */
  #recordUnbegun(index: number, atMs: number): void {
    const { options } = this.assignment;
    const endMs = Math.min(atMs, options.rampMs + options.holdMs);
    for (let unbegun = index; ; unbegun += 1) {
      const arrival = iterationArrival(options, this.assignment, unbegun);
      // The last one that came with the end itself is not late.
      if (arrival > endMs - LEAST_PAUSE_AFTER_FAILURE_MS) return;
      this.#recorder.recordRequest('begin', endMs - arrival, 'no free user');
    }
  }

  #count(change: 1 | -1): void {
    this.#users += change;
    this.#mostUsers = Math.max(this.#mostUsers, this.#users);
  }

  #newUser(index: number): User {
    const { options, workerIndex, workerCount } = this.assignment;
    const seed = (options.seed + Math.imul(index * workerCount + workerIndex + 1, 0x9e3779b1)) | 0;
    return new User(this.#stage, new SeededRandom(seed));
  }

  async #play(scenario: Scenario, user: User): Promise<void> {
    try {
      await scenario.play(user);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      const isOpen = this.assignment.options.rate !== undefined;
      if (!isOpen) await user.pause(Math.max(this.assignment.options.pauseMs, LEAST_PAUSE_AFTER_FAILURE_MS));
    }
  }
}
