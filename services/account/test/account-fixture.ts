import { pino } from 'pino';
import { GrpcServer } from '../../../platform/grpc/grpc-server.js';
import { JWKS_PATH, serveJwks } from '../../../platform/identity/jwks-server.js';
import { newKeyRing } from '../../../platform/identity/key-ring.js';
import { TokenSigner } from '../../../platform/identity/token-signer.js';
import { TokenVerifier } from '../../../platform/identity/token-verifier.js';
import { Database } from '../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../platform/mysql/migrate-database.js';
import { FairQueue } from '../../../platform/process/fair-queue.js';
import { Metrics } from '../../../platform/telemetry/metrics.js';
import { protoClient, type ProtoClient } from '../../../platform/testing/proto-client.js';
import { freshDatabaseUrl } from '../../../mesh/servers/shared-servers.js';
import { bindAccountServices, MAX_REQUEST_BYTES } from '../adapters/bind-services.js';
import { composeAccounts, type AccountLimits } from '../adapters/compose-accounts.js';
import { migrations } from '../migrations/index.js';

/** A passphrase that the new API takes. */
export const PASSWORD = 'wool lantern orbit gravel';

/** The account service on a database of its own, and clients of it. */
export interface RunningAccounts {
  readonly database: Database;
  readonly signer: TokenSigner;
  readonly v1: ProtoClient;
  readonly legacy: ProtoClient;
  readonly revocations: ProtoClient;
  /** All that was logged, as it stands in the log. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

/** @param limits other than the defaults */
export async function openAccounts(limits: Partial<AccountLimits> = {}): Promise<RunningAccounts> {
  const url = await freshDatabaseUrl();
  await migrateDatabase({ url, migrations, report: () => undefined });
  const database = new Database({ url });
  const ring = await newKeyRing(Date.now());
  const jwks = await serveJwks({ host: '127.0.0.1', port: 0, keys: () => ring });
  const signer = new TokenSigner({ keys: () => ring });
  const verifier = new TokenVerifier({ jwksUrl: `http://127.0.0.1:${jwks.port}${JWKS_PATH}` });
  const log: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) });
  const settings = {
    minPasswordLength: 15,
    refreshTokenLifeMs: 86_400_000,
    maxDevicesPerAccount: 100,
    maxFailedAttempts: 10,
    passwordHashesAtOnce: 2,
    passwordHashesWaitingPerClient: 64,
    passwordHashesWaiting: 256,
    ...limits,
  };
  const metrics = new Metrics();
  const issuer = 'threadweaver';
  const verify = verifier.verify.bind(verifier);
  const accounts = composeAccounts({ settings, database, signer, issuer, verify, logger, metrics });
  const stopping = new AbortController();
  const turns = new FairQueue({ maxRunning: database.maxConnections });
  const server = new GrpcServer({
    host: '127.0.0.1',
    port: 0,
    services: bindAccountServices({ ...accounts, stopping: stopping.signal, turns, logger }),
    maxRequestBytes: MAX_REQUEST_BYTES,
  });
  await server.start();
  const address = `127.0.0.1:${server.port}`;
  const file = 'threadweaver/account/v1/account_service.proto';
  const v1 = protoClient(file, 'threadweaver.account.v1.AccountService', address);
  const legacy = protoClient(
    'threadweaver/legacy/account/v1/account_rest_service.proto',
    'threadweaver.legacy.account.v1.AccountRestService',
    address,
  );
  const revocations = protoClient(
    'threadweaver/account/internal/v1/revocation_service.proto',
    'threadweaver.account.internal.v1.RevocationService',
    address,
  );
  return {
    ...{ database, signer, v1, legacy, revocations, log },
    async close() {
      for (const client of [v1, legacy, revocations]) client.close();
      stopping.abort();
      await server.drain({ noticeMs: 0, timeoutMs: 1_000 });
      accounts.stop();
      verifier.stop();
      await jwks.close();
      await database.close();
    },
  };
}

/** Tokens as the new API gives them. */
export interface GivenTokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** Signs a new person up and in. */
export async function newPerson(
  { v1 }: Pick<RunningAccounts, 'v1'>,
  email: string,
  profile: object = {},
): Promise<{ accountId: string; tokens: GivenTokens; metadata: { authorization: string } }> {
  await v1.call('SignUp', { email, password: PASSWORD, name: 'Ann', ...profile });
  return signIn({ v1 }, email);
}

/** Signs in on one more device. */
export async function signIn(
  { v1 }: Pick<RunningAccounts, 'v1'>,
  email: string,
  password = PASSWORD,
): Promise<{ accountId: string; tokens: GivenTokens; metadata: { authorization: string } }> {
  const { account_id: accountId, tokens: given } = await v1.call('SignIn', { email, password });
  const tokens = given as GivenTokens;
  return { accountId: accountId as string, tokens, metadata: { authorization: `Bearer ${tokens.access_token}` } };
}
