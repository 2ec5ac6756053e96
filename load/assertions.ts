import type { LoadResult, RequestSummary } from './engine/load-result.js';
import { formatDuration, parseDuration } from './quantities.js';
import { UsageError } from './usage-error.js';

const latencies = {
  p50: 'p50',
  p90: 'p90',
  p95: 'p95',
  p99: 'p99',
  'p99.9': 'p999',
  max: 'max',
  mean: 'mean',
} as const;
type LatencyMetric = keyof typeof latencies;

/** What a run has to show, for instance `create.p99<200ms`. */
export interface Assertion {
  /** As it was written. */
  readonly text: string;
  /** A request's name; undefined means all requests. */
  readonly request: string | undefined;
  readonly metric: LatencyMetric | 'errors' | 'throughput';
  readonly comparison: '<' | '<=' | '>' | '>=';
  /** Milliseconds, requests per second, or for errors percent or a number of them. */
  readonly bound: number;
  readonly isPercent: boolean;
}

/** Whether an assertion holds. */
export interface AssertionResult {
  readonly text: string;
  readonly isMet: boolean;
  /** What was found, with its unit. */
  readonly actual: string;
}

const form = /^(?:([a-z][a-z-]*)\.)?(p50|p90|p95|p99\.9|p99|max|mean|errors|throughput)\s*(<=|>=|<|>)\s*(\S+)$/;

/**
 * Reads assertions with commas between them.
 * @throws UsageError that says which one cannot be meant
 */
export function parseAssertions(texts: string): Assertion[] {
  return texts.split(',').map((each) => parseAssertion(each.trim()));
}

function parseAssertion(text: string): Assertion {
  const [, request, metric, comparison, value = ''] = form.exec(text) ?? [];
  if (metric === undefined) {
    throw new UsageError(
      `--assert has "${text}", must be like p99<200ms, errors<0.1%, throughput>100/s or create.p95<50ms ` +
        `(metrics: ${[...Object.keys(latencies), 'errors', 'throughput'].join(', ')}).`,
    );
  }
  const assertion = { text, request, metric, comparison, isPercent: value.endsWith('%') } as Omit<Assertion, 'bound'>;
  if (metric in latencies) return { ...assertion, bound: parseDuration(`the bound of "${text}" in --assert`, value) };
  const isNumber = (metric === 'errors' ? /^\d+(\.\d+)?%?$/ : /^\d+(\.\d+)?(\/s)?$/).test(value);
  if (!isNumber) {
    const wanted = metric === 'errors' ? 'percent such as 0.1%, or a count' : 'a number per second, such as 100/s';
    throw new UsageError(`--assert has "${text}", whose bound must be ${wanted}.`);
  }
  return { ...assertion, bound: Number.parseFloat(value) };
}

/** Compares a run with what it has to show. Nothing measured, or nothing that went well, is no success. */
export function checkAssertions(
  assertions: readonly Assertion[],
  { total, requests }: Pick<LoadResult, 'total' | 'requests'>,
): AssertionResult[] {
  return assertions.map((assertion) => {
    const { text, request } = assertion;
    const summary = request === undefined ? total : requests.find(({ name }) => name === request);
    // Only what could not begin is counted there.
    if (summary === undefined && request === 'begin' && assertion.metric === 'errors') {
      return { text, isMet: holds(0, assertion), actual: '0' };
    }
    if (summary === undefined) {
      const names = requests.map(({ name }) => name).join(', ') || 'none at all';
      return { text, isMet: false, actual: `no request ${request} was made, only ${names}` };
    }
    if (summary.count === 0 && summary.failed === 0) return { text, isMet: false, actual: 'no request was made' };
    if (assertion.metric in latencies && summary.ok === 0)
      return { text, isMet: false, actual: 'no request succeeded' };
    return { text, ...compared(assertion, summary) };
  });
}

function compared(assertion: Assertion, summary: RequestSummary): Pick<AssertionResult, 'isMet' | 'actual'> {
  const { metric, isPercent } = assertion;
  switch (metric) {
    case 'errors': {
      const percent = (summary.failed / Math.max(1, summary.ok + summary.failed)) * 100;
      return isPercent
        ? { isMet: holds(percent, assertion), actual: `${Number(percent.toPrecision(3))} %` }
        : { isMet: holds(summary.failed, assertion), actual: String(summary.failed) };
    }
    case 'throughput':
      return { isMet: holds(summary.perSecond, assertion), actual: `${summary.perSecond.toFixed(1)}/s` };
    default: {
      const value = summary.latency[latencies[metric]];
      return { isMet: holds(value, assertion), actual: formatDuration(value) };
    }
  }
}

function holds(value: number, { comparison, bound }: Assertion): boolean {
  switch (comparison) {
    case '<':
      return value < bound;
    case '<=':
      return value <= bound;
    case '>':
      return value > bound;
    case '>=':
      return value >= bound;
  }
}
