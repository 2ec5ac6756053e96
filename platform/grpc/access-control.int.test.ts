import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { OwnershipServiceService } from '../../gen/threadweaver/admin/v1/ownership_service.js';
import { ThreadQueryServiceService } from '../../gen/thread/thread_services.js';
import { serveJwks } from '../identity/jwks-server.js';
import type { HttpEndpoint } from '../process/http-endpoint.js';
import { newKeyRing, type KeyRing } from '../identity/key-ring.js';
import { followServiceToken } from '../identity/service-token.js';
import { TokenSigner } from '../identity/token-signer.js';
import { TokenVerifier } from '../identity/token-verifier.js';
import { rulesOf, type AccessRules } from '../kernel/access-rules.js';
import type { Principal } from '../kernel/principal.js';
import { writeWholeFile } from '../process/write-whole-file.js';
import { AccessControl } from './access-control.js';
import type { CallContext } from './call-context.js';
import { GrpcClient } from './grpc-client.js';
import { GrpcServer } from './grpc-server.js';
import { bindUnaryService } from './unary-service.js';

const [ACCOUNT, OTHER] = ['01DB5QXD4NP0XQTV92K42B3XBF', '01DB5QXD4NP0XQTV92K42B3XBG'];
const logger = pino({ level: 'silent' });
const methods = ['GetThread', 'GetThreads', 'GetMessages'];
const rules = rulesOf('thread.ThreadQueryService', methods, { who: 'account', field: 'accountId' });

describe('a service that asks for tokens', () => {
  let ring: KeyRing;
  let jwks: HttpEndpoint;
  let verifier: TokenVerifier;
  let signer: TokenSigner;
  let folder: string;
  const heard: Principal[] = [];
  const handle = async (_: unknown, { principal }: CallContext) => {
    heard.push(principal);
    return { isSuccessful: true, messages: [], message: undefined, errorMessages: [] };
  };
  const service = bindUnaryService(
    ThreadQueryServiceService,
    { getThread: handle, getThreads: handle, getMessages: handle },
    { logger },
  );
  const serverWith = (own: AccessRules, services = [service]): GrpcServer =>
    new GrpcServer({
      host: '127.0.0.1',
      port: 0,
      services,
      access: new AccessControl({ rules: own, verifier, logger }),
    });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'threadweaver-tokens-'));
    ring = await newKeyRing(Date.now());
    jwks = await serveJwks({ host: '127.0.0.1', port: 0, keys: () => ring });
    verifier = new TokenVerifier({ jwksUrl: `http://127.0.0.1:${jwks.port}/.well-known/jwks.json` });
    signer = new TokenSigner({ keys: () => ring });
  });
  after(async () => {
    verifier.stop();
    await jwks.close();
    rmSync(folder, { recursive: true });
  });

  it('does not start with a method of which nobody has said who may call it', () => {
    const { '/thread.ThreadQueryService/GetMessages': _, ...others } = rules;
    assert.throws(() => serverWith(others), /no rule lets anybody call \/thread\.ThreadQueryService\/GetMessages$/);
    const forOperators = bindUnaryService(
      OwnershipServiceService,
      { getOwnership: handle as never, which: handle as never },
      { logger },
    );
    assert.throws(() => serverWith(rules, [service, forOperators]), /OwnershipService\/GetOwnership/);
  });

  it('knows services that call it, and for whom; what proves it is read again when it is renewed', async () => {
    const server = serverWith(rules);
    await server.start();
    const path = join(folder, 'service.jwt');
    const renew = async (name: string): Promise<void> =>
      writeWholeFile(path, await signer.sign({ subject: `service:${name}`, roles: ['service'] }));
    await renew('first');
    const file = followServiceToken(path, assert.fail);
    const token = (): string => file.value;
    const client = new GrpcClient(ThreadQueryServiceService, { address: `127.0.0.1:${server.port}`, token });
    const ask = (accountId: string, actingFor?: string) =>
      client.call(
        'getThreads',
        { accountId, hasOffset: false, offset: 0n, hasLimit: false, limit: 0n, createAt: 0n },
        actingFor === undefined ? {} : { actingFor },
      );
    try {
      await ask(ACCOUNT);
      await ask(ACCOUNT.toLowerCase(), ACCOUNT);
      assert.deepEqual(
        heard.map(({ subject, onBehalfOf }) => [subject, onBehalfOf]),
        Array(2).fill(['service:first', ACCOUNT]),
      );
      await assert.rejects(ask(ACCOUNT, OTHER), { kind: 'permission-denied', reason: 'ACTS_FOR_ANOTHER' });
      const before = token();
      await renew('second');
      while (token() === before) await new Promise((resolve) => setTimeout(resolve, 50));
      await ask(ACCOUNT);
      assert.equal(heard.at(-1)?.subject, 'service:second');
      writeWholeFile(path, await signer.sign({ subject: OTHER }));
      const account = token();
      while (token() === account) await new Promise((resolve) => setTimeout(resolve, 50));
      await assert.rejects(ask(OTHER, ACCOUNT), { kind: 'permission-denied', reason: 'ACTS_FOR_ANOTHER' });
      assert.equal(heard.length, 3, 'who is refused is not heard');
    } finally {
      client.close();
      file.close();
      await server.drain({ noticeMs: 0, timeoutMs: 1_000 });
    }
  });
});
