import { openAccessControl } from '../../platform/composition/open-access-control.js';
import { runProcess } from '../../platform/composition/run-process.js';
import { GrpcServer } from '../../platform/grpc/grpc-server.js';
import { serveJwks } from '../../platform/identity/jwks-server.js';
import { ensureKeyRing, followKeyRing } from '../../platform/identity/key-ring-file.js';
import { settings as read, settingsOrExit } from '../../platform/process/settings.js';
import { accountSettings } from './config.js';

const settings = settingsOrExit(() => read(accountSettings));
const { grpcHost: host, grpcPort: port, limits, auth, drainNoticeMs, drainTimeoutMs } = settings;

runProcess({ name: 'account', settings, drainTimeoutMs: drainTimeoutMs + drainNoticeMs }, async (logger) => {
  await ensureKeyRing(settings.keyRingFile);
  const ring = followKeyRing(settings.keyRingFile, (error) =>
    logger.error({ error }, 'the changed keys are not taken'),
  );
  const jwks = await serveJwks({ host: settings.jwksHost, port: settings.jwksPort, keys: () => ring.value });
  const access = openAccessControl(auth, { logger });
  const server = new GrpcServer({ host, port, services: [], limits, access });
  await server.start();
  logger.info({ port: server.port, jwks_port: jwks.port }, 'listening');
  return {
    async drain() {
      await server.drain({ noticeMs: drainNoticeMs, timeoutMs: 1_000 });
      await jwks.close();
      ring.close();
    },
  };
});
