import type { LoadOptions } from './load-options.js';
import type { WorkerCost } from './worker-meter.js';

/** Latencies in milliseconds, of failed requests too: a time-out is a latency. All 0 when there was nothing. */
export interface LatencySummary {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  /** The 99.9th percentile. */
  readonly p999: number;
  readonly max: number;
}

/** What became of all requests of one name. */
export interface RequestSummary {
  readonly name: string;
  /** True for what came unasked, such as messages at watchers: no request, and in no total. */
  readonly isDelivery: boolean;
  readonly count: number;
  readonly ok: number;
  readonly failed: number;
  /** Failed, by what went wrong. */
  readonly errors: Readonly<Record<string, number>>;
  /** Attempts beyond the first. */
  readonly retries: number;
  /** Those that went well, per second of ramp and hold. */
  readonly perSecond: number;
  readonly latency: LatencySummary;
}

/** What happened in one interval of the run. Requests count where they ended. */
export interface LoadInterval {
  /** Its beginning, in milliseconds since the start of the load. */
  readonly atMs: number;
  /** Users at its end; with a rate, iterations under way. */
  readonly users: number;
  readonly count: number;
  readonly failed: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly latency: LatencySummary;
  /** Requests by name. */
  readonly byName: Readonly<
    Record<string, { readonly count: number; readonly failed: number; readonly p50: number; readonly p99: number }>
  >;
}

/** What making the load cost, to see whether the generator was the limit. */
export interface GeneratorCost {
  readonly cpuMs: number;
  /** CPU of all workers, in microseconds a request. */
  readonly cpuMicrosPerRequest: number;
  /** CPU of the worker that used most, in cores: 1 is a core all the time. */
  readonly busiestCpu: number;
  /** Busiest worker's event loop: 1 is saturated, and its latencies are then its own. */
  readonly busiest: number;
  /** 99th percentile of how late timers were at the worst worker, in milliseconds: such lateness is in the latencies. */
  readonly timersLateP99Ms: number;
  /** Of those workers that ended well. */
  readonly workers: readonly WorkerCost[];
}

/** What a run gave. It is the JSON of the report too, with `assertions` added. */
export interface LoadResult {
  readonly options: LoadOptions;
  /** ISO 8601. */
  readonly startedAt: string;
  /** From the first user until the last one ended, in milliseconds, without preparation. */
  readonly durationMs: number;
  readonly isInterrupted: boolean;
  /** What kept the run itself from being as asked: a worker that died, a preparation that failed. */
  readonly faults: readonly string[];
  readonly total: RequestSummary;
  /** In the order of their first occurrence. */
  readonly requests: readonly RequestSummary[];
  readonly intervalMs: number;
  readonly intervals: readonly LoadInterval[];
  readonly generator: GeneratorCost;
  readonly environment: Readonly<Record<string, string>>;
}

/** How far it is. */
export interface LoadProgress {
  readonly phase: 'preparing' | 'running' | 'ending';
  readonly elapsedMs: number;
  readonly totalMs: number;
  /** Threads that scenarios want beforehand, and how many there are. */
  readonly toPrepare: number;
  readonly prepared: number;
  readonly users: number;
  readonly count: number;
  readonly failed: number;
  /** Of about the last second. */
  readonly perSecond: number;
  /** Of about the last second, in milliseconds. */
  readonly p99: number;
}
