import type { CallRecord } from './mixed-load.js';
import { quantile } from './slope.js';

/** What became of some calls; times in milliseconds. */
export interface CallSummary {
  readonly calls: number;
  readonly failed: number;
  /** Answered at a second or later attempt. */
  readonly repeated: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** A stretch of time, for plots. */
export interface Interval extends CallSummary {
  /** Its middle, from the load's start. */
  readonly atMs: number;
  readonly perSecond: number;
}

/** All calls of a run. */
export class CallStats {
  readonly #calls: CallRecord[] = [];

  add(call: CallRecord): void {
    this.#calls.push(call);
  }

  get failures(): readonly CallRecord[] {
    return this.#calls.filter(({ failure }) => failure !== undefined);
  }

  /** @param of which calls to count. @default all */
  summary(of: (call: CallRecord) => boolean = () => true): CallSummary {
    return summaryOf(this.#calls.filter(of));
  }

  /** Why calls were repeated first, and how many for that reason; the most frequent first. */
  repeatReasons(): [reason: string, calls: number][] {
    const counts = new Map<string, number>();
    for (const { repeatedFor } of this.#calls) {
      if (repeatedFor === undefined) continue;
      const reason = withoutPlaces(repeatedFor);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    return [...counts].sort(([, one], [, other]) => other - one);
  }

  /** Calls by the time of their beginning. @param startedAt epoch milliseconds of the load's start */
  intervals(startedAt: number, everyMs: number): Interval[] {
    const groups = new Map<number, CallRecord[]>();
    for (const call of this.#calls) {
      const index = Math.floor((call.startedAt - startedAt) / everyMs);
      const group = groups.get(index);
      if (group === undefined) groups.set(index, [call]);
      else group.push(call);
    }
    return [...groups]
      .sort(([one], [other]) => one - other)
      .map(([index, calls]) => ({
        ...summaryOf(calls),
        atMs: (index + 0.5) * everyMs,
        perSecond: (calls.length * 1_000) / everyMs,
      }));
  }
}

function summaryOf(calls: readonly CallRecord[]): CallSummary {
  const sorted = calls.map(({ tookMs }) => tookMs).sort((one, other) => one - other);
  return {
    calls: calls.length,
    failed: calls.filter(({ failure }) => failure !== undefined).length,
    repeated: calls.filter(({ attempts, failure }) => attempts > 1 && failure === undefined).length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: sorted.at(-1) ?? 0,
  };
}

/** Ports and ids differ from one to the next. */
function withoutPlaces(reason: string): string {
  return reason
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/[0-9A-Z]{26}/g, 'ID')
    .replace(/\d+(\.\d+)? ?ms/g, 'N ms')
    .slice(0, 160);
}
