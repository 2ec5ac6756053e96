import { Latencies } from './latencies.js';

/** What was recorded of one name since the last `take`, as it travels between processes. */
export interface IntervalStats {
  readonly name: string;
  readonly isDelivery: boolean;
  /** Encoded `Latencies` of all, failed ones too. */
  readonly latencies: string;
  readonly count: number;
  /** How many failed, by what went wrong. */
  readonly errors: Readonly<Record<string, number>>;
  /** Attempts beyond the first. */
  readonly retries: number;
}

interface Row {
  readonly isDelivery: boolean;
  readonly latencies: Latencies;
  count: number;
  errors: Record<string, number>;
  retries: number;
}

/** Collects what a worker's users see. */
export class Recorder {
  readonly #rows = new Map<string, Row>();

  /**
   * Records a request that is over.
   * @param error what went wrong; undefined when all was well
   */
  recordRequest(name: string, milliseconds: number, error: string | undefined, retries = 0): void {
    const row = this.#row(name, false);
    row.latencies.record(milliseconds);
    row.count += 1;
    row.retries += retries;
    if (error !== undefined) row.errors[error] = (row.errors[error] ?? 0) + 1;
  }

  /** Records something that came unasked, such as a message at a watcher: it counts as no request. */
  recordDelivery(name: string, milliseconds: number): void {
    const row = this.#row(name, true);
    row.latencies.record(milliseconds);
    row.count += 1;
  }

  /** Records that something did not come which should have. It has no latency. */
  recordMissingDelivery(name: string, error: string): void {
    const row = this.#row(name, true);
    row.errors[error] = (row.errors[error] ?? 0) + 1;
  }

  /** Everything since the last call. */
  take(): IntervalStats[] {
    const stats: IntervalStats[] = [];
    for (const [name, row] of this.#rows) {
      const { isDelivery, latencies, count, errors, retries } = row;
      if (count === 0 && Object.keys(errors).length === 0) continue;
      stats.push({ name, isDelivery, latencies: latencies.encode(), count, errors, retries });
      latencies.reset();
      row.count = 0;
      row.errors = {};
      row.retries = 0;
    }
    return stats;
  }

  #row(name: string, isDelivery: boolean): Row {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { isDelivery, latencies: new Latencies(), count: 0, errors: {}, retries: 0 };
      this.#rows.set(name, row);
    }
    return row;
  }
}
