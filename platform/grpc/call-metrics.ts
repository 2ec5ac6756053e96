import { status } from '@grpc/grpc-js';
import type { CallObserver, ObserveCalls } from './call-context.js';
import type { Metrics } from '../telemetry/metrics.js';

/** From a journal's fastest answer to the longest deadline, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Counts calls, under the names of go-grpc-middleware, for which there are dashboards. Labels come from the services
 * that are bound, not from callers: a made-up method makes none.
 */
export function callMetrics(metrics: Metrics): ObserveCalls {
  const labelNames: ('grpc_type' | 'grpc_service' | 'grpc_method')[] = ['grpc_type', 'grpc_service', 'grpc_method'];
  const handled = metrics.counter('grpc_server_handled_total', 'Calls that were answered, by status.', [
    ...labelNames,
    'grpc_code',
  ]);
  const handling = metrics.histogram(
    'grpc_server_handling_seconds',
    'How long unary calls took, from the decoded request to the answer.',
    SECONDS,
    labelNames,
  );
  return (path, kind): CallObserver => {
    const [, grpc_service = '', grpc_method = ''] = path.split('/');
    const labels = { grpc_type: kind, grpc_service, grpc_method };
    const counterOf = (code: status) => handled.labels({ ...labels, grpc_code: status[code] });
    // A rate needs a beginning.
    counterOf(status.OK).inc(0);
    const counters = new Map<status, ReturnType<typeof counterOf>>();
    if (kind === 'unary') handling.zero(labels);
    const latency = kind === 'unary' ? handling.labels(labels) : undefined;
    return (code, seconds) => {
      let counter = counters.get(code);
      if (counter === undefined) counters.set(code, (counter = counterOf(code)));
      counter.inc();
      latency?.observe(seconds);
    };
  };
}
