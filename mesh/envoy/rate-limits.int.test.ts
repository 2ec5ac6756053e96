import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { status } from '@grpc/grpc-js';
import { serveJwks } from '../../platform/identity/jwks-server.js';
import type { HttpEndpoint } from '../../platform/process/http-endpoint.js';
import { newKeyRing, type KeyRing } from '../../platform/identity/key-ring.js';
import { TokenSigner } from '../../platform/identity/token-signer.js';
import { protoClient } from '../../platform/testing/proto-client.js';
import { CannedServices } from './testing/canned-services.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const A_SECOND = 10;
const MANY = 300;

describe("Envoy's limits of the rate of calls", function () {
  this.timeout(30_000);
  let ring: KeyRing;
  let canned: CannedServices;
  let jwks: HttpEndpoint;
  let open: TestEnvoy;
  let asking: TestEnvoy;
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });

  before(async () => {
    ring = await newKeyRing(Date.now());
    [canned, jwks] = await Promise.all([
      CannedServices.start(),
      serveJwks({ host: '127.0.0.1', port: 0, keys: () => ring }),
    ]);
    const rates = { maxCallsPerSecondOfAddress: A_SECOND, maxCallsPerSecondOfSubject: A_SECOND };
    const tokens = { jwks: [{ host: '127.0.0.1', port: jwks.port }], openPaths: [] };
    [open, asking] = await Promise.all([
      startEnvoy(canned.port, rates),
      startEnvoy(canned.port, { ...rates, maxCallsPerSecondOfAddress: 1_000_000, tokens }),
    ]);
  });
  after(async () => {
    agent.destroy();
    await Promise.all([open?.stop(), asking?.stop(), jwks?.close()]);
    canned?.stop();
  });
  beforeEach(() => canned.answer({ response: {} }));

  interface Answer {
    readonly status: number;
    readonly retryAfter: string | undefined;
    readonly body: string;
  }
  function get({ settings }: TestEnvoy, localAddress: string, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const target = { host: '127.0.0.1', port: settings.port, path: '/v1/threads', localAddress, headers, agent };
      request(target, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body }),
        );
      })
        .on('error', reject)
        .end();
    });
  }
  const burst = (envoy: TestEnvoy, address: string, headers?: Record<string, string>, length = MANY) =>
    Promise.all(Array.from({ length }, () => get(envoy, address, headers)));
  const refusalsOf = (answers: readonly Answer[]) => answers.filter((answer) => answer.status === 429);

  it('refuse what an address asks beyond them, and nobody else', async () => {
    const answers = await burst(open, '127.0.0.2');
    const refusals = refusalsOf(answers);
    assert.ok(refusals.length > 0 && refusals.length <= MANY - 2 * A_SECOND, String(refusals.length));
    assert.equal(answers.filter((answer) => answer.status === 200).length, MANY - refusals.length);
    assert.deepEqual([...new Set(refusals.map(({ body }) => body))], ['{"error_messages":["too many requests"]}']);
    assert.ok(refusals.every(({ retryAfter }) => Number(retryAfter) > 0));
    assert.equal((await get(open, '127.0.0.3')).status, 200);
  });

  it('know an address by where it connects from, whatever it says of itself', async () => {
    const answers = await Promise.all(
      Array.from({ length: MANY }, (_, index) =>
        get(open, '127.0.0.4', { 'x-forwarded-for': `10.0.0.${index % 250}`, authorization: `Bearer ${index}` }),
      ),
    );
    assert.ok(refusalsOf(answers).length > 0);
  });

  it('are RESOURCE_EXHAUSTED to gRPC', async () => {
    const file = 'threadweaver/thread/v1/thread_query_service.proto';
    const client = protoClient(file, 'threadweaver.thread.v1.ThreadQueryService', open.authority);
    try {
      const failures = await Promise.all(
        Array.from({ length: MANY }, () =>
          client.call('GetThread', {}).then(
            () => undefined,
            (error: unknown) => error as { code: number; details: string },
          ),
        ),
      );
      const [refusal] = failures.filter((failure) => failure !== undefined);
      assert.deepEqual([refusal?.code, refusal?.details], [status.RESOURCE_EXHAUSTED, 'too many requests']);
    } finally {
      client.close();
    }
  });

  it("count a token's subject where there is a token: from everywhere, beside others at the same address", async () => {
    const signer = new TokenSigner({ keys: () => ring });
    const bearer = async (subject: string) => ({ authorization: `Bearer ${await signer.sign({ subject })}` });
    const [greedy, again, modest] = [await bearer('A'), await bearer('A'), await bearer('B')];
    const answers = await burst(asking, '127.0.0.5', greedy);
    assert.ok(refusalsOf(answers).length > 0);
    // With another token, from another address: it gets what comes free meanwhile, and not as much as somebody new.
    const more = await burst(asking, '127.0.0.6', again, 60);
    assert.ok(60 - refusalsOf(more).length < 2 * A_SECOND, 'as if it had not called yet');
    assert.equal((await get(asking, '127.0.0.5', modest)).status, 200);
  });
});
