import type { Metrics } from '../telemetry/metrics.js';

/** Those who wait for the read model or watch, against their bounds. */
export function queryMetrics(
  metrics: Metrics,
  sources: {
    readonly waiting: () => number;
    readonly watchers: () => number;
    readonly maxWaiting: number;
    readonly maxWatchers: number;
    /** What watchers watch, such as `thread`. */
    readonly noun: string;
  },
): void {
  metrics.gauge(
    'threadweaver_queries_waiting',
    'Queries that wait until the read model has the version that they ask for.',
    sources.waiting,
  );
  metrics.gauge('threadweaver_queries_waiting_limit', 'MAX_WAITING_QUERIES.', () => sources.maxWaiting);
  metrics.gauge('threadweaver_watchers', `Streams that watch a ${sources.noun}.`, sources.watchers);
  metrics.gauge('threadweaver_watchers_limit', 'MAX_WATCHERS.', () => sources.maxWatchers);
}
