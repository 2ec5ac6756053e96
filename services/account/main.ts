import { GrpcServer } from '../../platform/grpc/grpc-server.js';
import { logGrpcLibrary } from '../../platform/grpc/library-log.js';
import { serveJwks } from '../../platform/identity/jwks-server.js';
import { ensureKeyRing, followKeyRing } from '../../platform/identity/key-ring-file.js';
import { runService, type RunningService } from '../../platform/process/service-process.js';
import { settings as read, settingsOrExit } from '../../platform/process/settings.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { Metrics } from '../../platform/telemetry/metrics.js';
import { serveMetrics } from '../../platform/telemetry/metrics-server.js';
import { accountSettings } from './config.js';

const settings = settingsOrExit(() => read(accountSettings));
const logger = createLogger('account', settings.logLevel);
logGrpcLibrary(logger);

const start = async (): Promise<RunningService> => {
  const metrics = new Metrics();
  const metricsServer = await serveMetrics({
    ...{ host: settings.metricsHost, port: settings.metricsPort, metrics, logger },
  });
  await ensureKeyRing(settings.keyRingFile);
  const ring = followKeyRing(settings.keyRingFile, (error) =>
    logger.error({ error }, 'the changed keys are not taken'),
  );
  const jwks = await serveJwks({ host: settings.jwksHost, port: settings.jwksPort, keys: () => ring.value });
  const { grpcHost: host, grpcPort: port, limits } = settings;
  const server = new GrpcServer({ host, port, services: [], limits });
  await server.start();
  logger.info({ port: server.port, jwks_port: jwks.port }, 'listening');
  return {
    async drain() {
      await server.drain({ noticeMs: settings.drainNoticeMs, timeoutMs: 1_000 });
      await jwks.close();
      ring.close();
      await metricsServer.close();
    },
  };
};

runService(logger, start, { drainTimeoutMs: settings.drainTimeoutMs + settings.drainNoticeMs });
