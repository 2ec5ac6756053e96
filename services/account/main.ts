import { runDatabaseService } from '../../platform/composition/run-database-service.js';
import { JWKS_PATH, serveJwks } from '../../platform/identity/jwks-server.js';
import { ensureKeyRing, followKeyRing } from '../../platform/identity/key-ring-file.js';
import { TokenSigner } from '../../platform/identity/token-signer.js';
import { TokenVerifier } from '../../platform/identity/token-verifier.js';
import { settings as read, settingsOrExit } from '../../platform/process/settings.js';
import { accountAccessRules } from './access-rules.js';
import { bindAccountServices, MAX_REQUEST_BYTES } from './adapters/bind-services.js';
import { composeAccounts } from './adapters/compose-accounts.js';
import { accountSettings } from './config.js';

const settings = settingsOrExit(() => read(accountSettings));

runDatabaseService('account', settings, settings.accountMysqlUrl, async (node) => {
  const { logger } = node;
  await ensureKeyRing(settings.keyRingFile);
  const ring = followKeyRing(settings.keyRingFile, (error) =>
    logger.error({ error }, 'the changed keys are not taken'),
  );
  const jwks = await serveJwks({ host: settings.jwksHost, port: settings.jwksPort, keys: () => ring.value });
  const issuer = settings.tokenIssuer;
  const jwksHost = settings.jwksHost === '0.0.0.0' ? '127.0.0.1' : settings.jwksHost;
  const signer = new TokenSigner({ keys: () => ring.value, issuer });
  const verifier = new TokenVerifier({ jwksUrl: `http://${jwksHost}:${jwks.port}${JWKS_PATH}`, issuer });
  const accounts = composeAccounts({ ...node, settings, signer, issuer, verify: (token) => verifier.verify(token) });
  const stopping = new AbortController();
  return {
    services: bindAccountServices({ ...node, ...accounts, stopping: stopping.signal }),
    access: accountAccessRules,
    maxRequestBytes: MAX_REQUEST_BYTES,
    endStreams: () => stopping.abort(),
    async stop() {
      accounts.stop();
      verifier.stop();
      await jwks.close();
      ring.close();
    },
  };
});
