import { logGrpcLibrary } from '../grpc/library-log.js';
import { runService, type RunningService } from '../process/service-process.js';
import { createLogger, type Logger } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { serveMetrics } from '../telemetry/metrics-server.js';
import { startTracing } from '../telemetry/tracing.js';
import type { ServerSettings } from './server-settings.js';

/** What a process is told apart by. */
export interface ProcessIdentity {
  /** What its log calls it, such as `thread-command`. */
  readonly name: string;
  readonly settings: ServerSettings;
  /** So long draining may take, in milliseconds. */
  readonly drainTimeoutMs: number;
}

/** Runs a context's process, with a log and with metrics of its own, which are served until the rest is drained. */
export function runProcess(
  { name, settings, drainTimeoutMs }: ProcessIdentity,
  start: (logger: Logger, metrics: Metrics) => Promise<RunningService>,
): void {
  const logger = createLogger(name, settings.logLevel);
  logGrpcLibrary(logger);

  const startMeasured = async (): Promise<RunningService> => {
    const endTracing = await startTracing(name, settings.tracing, logger);
    const metrics = new Metrics();
    const { metricsHost: host, metricsPort: port } = settings;
    const metricsServer = await serveMetrics({ host, port, metrics, logger });
    const service = await start(logger, metrics);
    return {
      async drain() {
        await service.drain();
        await metricsServer.close();
        await endTracing();
      },
    };
  };
  runService(logger, startMeasured, { drainTimeoutMs });
}

/**
 * What to call, once or more often, when the installation is no longer as this process knows it: the process ends, and
 * whoever starts it again has it look anew.
 */
export function stopWhenChanged(logger: Logger): (error: Error) => void {
  let isStopping = false;
  return (error) => {
    if (isStopping) return;
    isStopping = true;
    logger.fatal({ error }, 'the installation has changed, stopping');
    process.kill(process.pid, 'SIGTERM');
  };
}
