import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { ulid } from 'ulid';
import type { LoadOptions } from './load-options.js';
import type { LoadProgress, LoadResult } from './load-result.js';
import { ResultCollector } from './result-collector.js';
import type { WorkerCost } from './worker-meter.js';
import type { FromWorker, ToWorker } from './worker-process.js';

/** A run's result has at most some so many intervals. */
const MOST_INTERVALS = 600;
const PROGRESS_EVERY_MS = 1_000;
/** From the last worker's readiness to the start, so that all have heard of it. */
const START_IN_MS = 100;
/** Beyond a request's deadline, a worker's ending may take so long. */
const ENDING_GRACE_MS = 15_000;

/** How the caller takes part. */
export interface LoadCalls {
  /** Some every second. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the run early; what was measured is returned. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a load and measures it. What fails is in the result: failed requests in its counts, what kept the run itself
 * from being as asked in `faults`.
 */
export async function runLoad(options: LoadOptions, calls: LoadCalls = {}): Promise<LoadResult> {
  return new LoadRun(options, calls).run();
}

interface RunningWorker {
  readonly process: ChildProcess;
  readonly prepared: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<void>;
  preparing: { readonly done: number; readonly total: number };
  cost: WorkerCost | undefined;
}

class LoadRun {
  readonly #collector: ResultCollector;
  readonly #workers: RunningWorker[];
  readonly #faults: string[] = [];
  readonly #intervalMs: number;
  #startAt: number | undefined;
  #isStopping = false;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: LoadOptions,
    private readonly calls: LoadCalls,
  ) {
    this.#intervalMs = Math.max(1, Math.ceil((options.rampMs + options.holdMs) / 1_000 / MOST_INTERVALS)) * 1_000;
    this.#collector = new ResultCollector(this.#intervalMs, options.rampMs + options.holdMs, options.workers);
    this.#workers = Array.from({ length: options.workers }, (_, index) => this.#startWorker(index));
  }

  async run(): Promise<LoadResult> {
    const { options, calls } = this;
    const interrupt = (): void => this.#stop();
    calls.signal?.addEventListener('abort', interrupt);
    if (calls.signal?.aborted) interrupt();
    const progress = setInterval(() => this.#tellProgress(), PROGRESS_EVERY_MS);
    const runId = ulid();
    for (const [workerIndex, { process }] of this.#workers.entries()) {
      const assignment = { options, runId, workerIndex, workerCount: this.#workers.length };
      if (process.connected) process.send({ type: 'prepare', assignment } satisfies ToWorker);
    }
    if (this.#isStopping) this.#tellAll({ type: 'stop' });
    await Promise.all(this.#workers.map(({ prepared }) => prepared.promise));
    const startAt = Date.now() + START_IN_MS;
    this.#startAt = startAt;
    this.#tellAll({ type: 'run', startAt });
    // One without the others is not the load that was asked for.
    if (this.#faults.length > 0) this.#stop();
    const end = setTimeout(() => this.#killLater(), options.rampMs + options.holdMs);
    await Promise.all(this.#workers.map(({ ended }) => ended.promise));
    const durationMs = Math.max(0, Date.now() - startAt);
    clearTimeout(end);
    clearTimeout(this.#killTimer);
    clearInterval(progress);
    calls.signal?.removeEventListener('abort', interrupt);
    return {
      options,
      startedAt: new Date(startAt).toISOString(),
      durationMs,
      isInterrupted: calls.signal?.aborted === true,
      faults: this.#faults,
      total: this.#collector.total(durationMs),
      requests: this.#collector.requests(durationMs),
      intervalMs: this.#intervalMs,
      intervals: this.#collector.intervals(),
      generator: this.#collector.generatorCost(this.#workers.flatMap(({ cost }) => (cost ? [cost] : []))),
      environment: describeMachine(),
    };
  }

  /** Its last word is `failed` also when the process ends without one. */
  #startWorker(index: number): RunningWorker {
    // Sources in tests, compiled otherwise.
    const file = import.meta.url.endsWith('.ts') ? './worker-process.ts' : './worker-process.js';
    const process = fork(new URL(file, import.meta.url), { serialization: 'advanced' });
    let isOver = false;
    const hear = (message: FromWorker): void => {
      if (isOver) return;
      isOver = message.type === 'ended' || message.type === 'failed';
      this.#hear(index, message);
    };
    process
      .on('message', hear)
      .once('error', ({ message }) => hear({ type: 'failed', message }))
      .once('exit', (code, signal) =>
        hear({ type: 'failed', message: `a worker process ended (${signal ?? `exit code ${code}`})` }),
      );
    const [prepared, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    return { process, prepared, ended, preparing: { done: 0, total: 0 }, cost: undefined };
  }

  #tellAll(message: ToWorker): void {
    for (const { process } of this.#workers) if (process.connected) process.send(message);
  }

  #hear(index: number, message: FromWorker): void {
    const worker = this.#workers[index] as RunningWorker;
    switch (message.type) {
      case 'preparing':
        worker.preparing = message;
        return;
      case 'prepared':
        return worker.prepared.resolve();
      case 'report':
        return this.#collector.add(index, message.report);
      case 'ended':
        worker.cost = message.cost;
        this.#collector.forget(index);
        return worker.ended.resolve();
      case 'failed':
        if (!this.#faults.includes(message.message)) this.#faults.push(message.message);
        this.#collector.forget(index);
        worker.prepared.resolve();
        worker.ended.resolve();
        return this.#stop();
    }
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#tellAll({ type: 'stop' });
    this.#killLater();
  }

  #killLater(): void {
    this.#killTimer ??= setTimeout(
      () => {
        for (const { process } of this.#workers) process.kill('SIGKILL');
      },
      2 * this.options.timeoutMs + ENDING_GRACE_MS,
    );
  }

  #tellProgress(): void {
    const { onProgress } = this.calls;
    if (onProgress === undefined) return;
    const { rampMs, holdMs } = this.options;
    const totalMs = rampMs + holdMs;
    const { users, count, failed } = this.#collector;
    const isPreparing = this.#startAt === undefined;
    const elapsedMs = isPreparing ? 0 : Math.max(0, Date.now() - (this.#startAt ?? 0));
    const { perSecond, p99 } = this.#collector.takeRecent(elapsedMs);
    const prepared = this.#workers.reduce((total, { preparing }) => total + preparing.done, 0);
    const toPrepare = this.#workers.reduce((total, { preparing }) => total + preparing.total, 0);
    const phase = isPreparing ? 'preparing' : this.#isStopping || elapsedMs > totalMs ? 'ending' : 'running';
    onProgress({ phase, elapsedMs, totalMs, users, count, failed, perSecond, p99, prepared, toPrepare });
  }
}

function describeMachine(): Record<string, string> {
  const [first] = cpus();
  return {
    node: process.version,
    system: `${type()} ${release()}, ${process.arch}`,
    processors: `${availableParallelism()} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
}
