import type { GeneratorCost, LatencySummary, LoadInterval, RequestSummary } from './load-result.js';
import { Latencies } from './latencies.js';
import type { WorkerReport } from './load-worker.js';
import type { WorkerCost } from './worker-meter.js';

interface Total {
  readonly name: string;
  readonly isDelivery: boolean;
  readonly latencies: Latencies;
  count: number;
  errors: Record<string, number>;
  retries: number;
}

interface OpenInterval {
  readonly all: Total;
  readonly byName: Map<string, Total>;
  /** By worker. */
  readonly users: Map<number, number>;
}

/** Puts together what workers report. Adding HDR histograms of the same shape loses nothing. */
export class ResultCollector {
  readonly #totals = new Map<string, Total>();
  readonly #all = newTotal('all', false);
  /** By number. An interval is summed up, and its histograms are freed, when every worker has got beyond it. */
  readonly #open = new Map<number, OpenInterval>();
  readonly #closed: LoadInterval[] = [];
  readonly #workers = new Map<number, { atMs: number; users: number }>();
  #recent = { atMs: 0, count: 0 };

  /**
   * @param intervalMs length of the intervals
   * @param loadMs how long users come and stay; what ends shortly after it counts to the last interval
   */
  constructor(
    private readonly intervalMs: number,
    private readonly loadMs: number,
    workerCount: number,
  ) {
    for (let index = 0; index < workerCount; index += 1) this.#workers.set(index, { atMs: 0, users: 0 });
  }

  get count(): number {
    return this.#all.count;
  }

  get failed(): number {
    return sum(this.#all.errors);
  }

  /** Lately. */
  get users(): number {
    return [...this.#workers.values()].reduce((total, { users }) => total + users, 0);
  }

  add(workerIndex: number, { atMs, users, stats }: WorkerReport): void {
    this.#workers.set(workerIndex, { atMs, users });
    const interval = this.#interval(this.#intervalOf(atMs));
    interval.users.set(workerIndex, Math.max(users, interval.users.get(workerIndex) ?? 0));
    for (const { name, isDelivery, latencies: encoded, count, errors, retries } of stats) {
      const latencies = Latencies.decode(encoded);
      const totals = [totalIn(this.#totals, name, isDelivery), totalIn(interval.byName, name, isDelivery)];
      if (!isDelivery) totals.push(this.#all, interval.all);
      for (const total of totals) {
        total.latencies.add(latencies);
        total.count += count;
        total.retries += retries;
        for (const [kind, times] of Object.entries(errors)) total.errors[kind] = (total.errors[kind] ?? 0) + times;
      }
    }
    this.#closeUpTo(Math.min(...[...this.#workers.values()].map((worker) => worker.atMs)) - this.intervalMs / 2);
  }

  /** Nothing more comes from it. */
  forget(workerIndex: number): void {
    this.#workers.delete(workerIndex);
  }

  /** Requests per second and their p99 since the last call. @param atMs now, since the start */
  takeRecent(atMs: number): { readonly perSecond: number; readonly p99: number } {
    const last = this.#closed.at(-1);
    const perSecond =
      atMs > this.#recent.atMs ? ((this.count - this.#recent.count) * 1_000) / (atMs - this.#recent.atMs) : 0;
    this.#recent = { atMs, count: this.count };
    return { perSecond, p99: last?.latency.p99 ?? 0 };
  }

  intervals(): LoadInterval[] {
    this.#closeUpTo(Number.POSITIVE_INFINITY);
    return this.#closed;
  }

  /** @param durationMs of the run, with its ending */
  total(durationMs: number): RequestSummary {
    return summaryOf(this.#all, Math.min(durationMs, this.loadMs));
  }

  /** @param durationMs of the run, with its ending */
  requests(durationMs: number): RequestSummary[] {
    return [...this.#totals.values()].map((total) => summaryOf(total, Math.min(durationMs, this.loadMs)));
  }

  /** @param costs of the workers that ended well */
  generatorCost(costs: readonly WorkerCost[]): GeneratorCost {
    const most = (pick: (cost: WorkerCost) => number): number => rounded(Math.max(0, ...costs.map(pick)));
    const cpuMs = costs.reduce((total, cost) => total + cost.cpuMs, 0);
    return {
      cpuMs: rounded(cpuMs),
      cpuMicrosPerRequest: rounded(this.count === 0 ? 0 : (cpuMs * 1_000) / this.count),
      busiestCpu: most(({ cpuShare }) => cpuShare),
      busiest: most(({ busy }) => busy),
      timersLateP99Ms: most(({ timersLateP99Ms }) => timersLateP99Ms),
      workers: costs.map((cost) => ({
        ...cost,
        cpuMs: rounded(cost.cpuMs),
        cpuShare: rounded(cost.cpuShare),
        peakCpuShare: rounded(cost.peakCpuShare),
        busy: rounded(cost.busy),
        timersLateP99Ms: rounded(cost.timersLateP99Ms),
      })),
    };
  }

  /** What is reported at the end of an interval, or a little later, happened in it. */
  #intervalOf(atMs: number): number {
    const half = this.intervalMs / 2;
    const number = Math.max(0, Math.round((atMs - half) / this.intervalMs - 0.4));
    const last = Math.max(0, Math.ceil(this.loadMs / this.intervalMs) - 1);
    return atMs < this.loadMs + half ? Math.min(number, last) : number;
  }

  #interval(number: number): OpenInterval {
    let interval = this.#open.get(number);
    if (interval === undefined) {
      interval = { all: newTotal('all', false), byName: new Map(), users: new Map() };
      this.#open.set(number, interval);
    }
    return interval;
  }

  #closeUpTo(atMs: number): void {
    for (const number of [...this.#open.keys()].sort((one, other) => one - other)) {
      if ((number + 1) * this.intervalMs > atMs) return;
      const { all, byName, users } = this.#interval(number);
      this.#open.delete(number);
      this.#closed.push({
        atMs: number * this.intervalMs,
        users: [...users.values()].reduce((total, count) => total + count, 0),
        count: all.count,
        failed: sum(all.errors),
        errors: all.errors,
        latency: latencyOf(all.latencies),
        byName: Object.fromEntries(
          [...byName].map(([name, { count, errors, latencies }]) => [
            name,
            {
              count,
              failed: sum(errors),
              p50: rounded(latencies.percentile(50)),
              p99: rounded(latencies.percentile(99)),
            },
          ]),
        ),
      });
    }
  }
}

function newTotal(name: string, isDelivery: boolean): Total {
  return { name, isDelivery, latencies: new Latencies(), count: 0, errors: {}, retries: 0 };
}

function totalIn(totals: Map<string, Total>, name: string, isDelivery: boolean): Total {
  let total = totals.get(name);
  if (total === undefined) {
    total = newTotal(name, isDelivery);
    totals.set(name, total);
  }
  return total;
}

function summaryOf(total: Total, durationMs: number): RequestSummary {
  const { name, isDelivery, count, errors, retries, latencies } = total;
  const failed = sum(errors);
  // A delivery that is missing was never counted.
  const ok = isDelivery ? count : count - failed;
  return {
    name,
    isDelivery,
    count,
    ok,
    failed,
    errors,
    retries,
    perSecond: rounded(durationMs === 0 ? 0 : (ok * 1_000) / durationMs),
    latency: latencyOf(latencies),
  };
}

function latencyOf(latencies: Latencies): LatencySummary {
  return {
    min: rounded(latencies.min),
    mean: rounded(latencies.mean),
    p50: rounded(latencies.percentile(50)),
    p90: rounded(latencies.percentile(90)),
    p95: rounded(latencies.percentile(95)),
    p99: rounded(latencies.percentile(99)),
    p999: rounded(latencies.percentile(99.9)),
    max: rounded(latencies.max),
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** To microseconds. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
