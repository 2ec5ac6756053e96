import assert from 'node:assert/strict';
import { pino } from 'pino';
import { ThreadCommandServiceService } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { freePort } from '../../mesh/servers/index.js';
import { Fault } from '../kernel/fault.js';
import type { CallContext } from './call-context.js';
import { GrpcClient, type GrpcClientOptions } from './grpc-client.js';
import { GrpcServer } from './grpc-server.js';
import { bindUnaryService } from './unary-service.js';

type Definition = { readonly addMessages: (typeof ThreadCommandServiceService)['addMessages'] };

const unavailable = () => new Fault('unavailable', 'NOT_NOW', 'not now');

describe('a client of another service', function () {
  this.timeout(20_000);
  let port: number;
  let server: GrpcServer | undefined;
  let client: GrpcClient<Definition>;
  let handle: (context: CallContext) => Promise<object> = () => Promise.resolve(answer);
  let calls = 0;
  const answer = { version: 1n, messageIds: ['one'] };

  beforeEach(async () => {
    calls = 0;
    handle = () => Promise.resolve(answer);
    port = await freePort();
  });
  afterEach(async () => {
    client.close();
    await server?.drain({ noticeMs: 0, timeoutMs: 100 });
    server = undefined;
  });

  async function serve(): Promise<void> {
    const anything = (_request: unknown, context: CallContext): Promise<object> => ((calls += 1), handle(context));
    const handlers = new Proxy({}, { get: () => anything }) as never;
    const service = bindUnaryService(ThreadCommandServiceService, handlers, { logger: pino({ level: 'silent' }) });
    server = new GrpcServer({ host: '127.0.0.1', port, services: [service] });
    await server.start();
  }
  function connect(options: Partial<GrpcClientOptions<Definition>> = {}): void {
    client = new GrpcClient<Definition>(ThreadCommandServiceService, { address: `127.0.0.1:${port}`, ...options });
  }
  const request = (requestId: string) => ({ requestId, threadId: 't', accountId: 'a', messages: [] });
  const faultOfCall = async (requestId: string, call = {}): Promise<Fault> => {
    const outcome = await client.call('addMessages', request(requestId), call).catch((error: unknown) => error);
    assert.ok(outcome instanceof Fault, String(outcome));
    return outcome;
  };

  it('brings the answer, and takes the ids of the call that it is a part of along', async () => {
    await serve();
    connect();
    let heard: (string | undefined)[] = [];
    handle = async (context) => {
      heard = [context.trace.requestId, context.trace.traceparent];
      return answer;
    };
    const trace = { requestId: 'the-one', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    await client.call('addMessages', request(''), { trace });
    assert.deepEqual(heard, ['the-one', trace.traceparent]);
  });

  it('waits for a service that is away, and for one that recovers, when a repeat does no harm', async () => {
    connect();
    const early = client.call('addMessages', request('r'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await serve();
    assert.deepEqual((await early).messageIds, ['one']);
    calls = 0;
    handle = () => (calls < 3 ? Promise.reject(unavailable()) : Promise.resolve(answer));
    await client.call('addMessages', request('r'));
    assert.equal(calls, 3);
  });

  it('never repeats what could do harm, nor what was refused', async () => {
    await serve();
    connect();
    handle = () => Promise.reject(unavailable());
    assert.deepEqual([(await faultOfCall('')).reason, calls], ['NOT_NOW', 1]);
    handle = () => Promise.reject(new Fault('failed-precondition', 'LAST_ADMINISTRATOR', 'the last one stays'));
    const { kind, reason, message } = await faultOfCall('r');
    assert.deepEqual([kind, reason, message], ['failed-precondition', 'LAST_ADMINISTRATOR', 'the last one stays']);
    assert.equal(calls, 2);
  });

  it('ends at its deadline, tries and all', async () => {
    await serve();
    connect();
    handle = () => new Promise(() => undefined);
    assert.equal((await faultOfCall('r', { deadlineMs: 100 })).kind, 'deadline-exceeded');
    handle = () => Promise.reject(unavailable());
    const before = performance.now();
    await faultOfCall('r', { deadlineMs: 200 });
    assert.ok(performance.now() - before < 5_000);
  });

  it('asks nobody for a while who has not answered again and again, then one call, then all', async () => {
    await serve();
    connect({ breakAfter: 3, breakForMs: 200 });
    handle = () => Promise.reject(unavailable());
    for (let count = 0; count < 3; count += 1) await faultOfCall('');
    assert.deepEqual([(await faultOfCall('')).reason, calls], ['CIRCUIT_OPEN', 3]);
    handle = () => Promise.resolve(answer);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await Promise.all([client.call('addMessages', request(''))]);
    await client.call('addMessages', request(''));
    assert.equal(calls, 5);
  });
});
