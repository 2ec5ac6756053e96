import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type ServiceError, status } from '@grpc/grpc-js';
import { protoClient, type ProtoClient } from '../../platform/testing/proto-client.js';
import { freePort } from '../servers/index.js';
import { rawHttp } from './testing/raw-http.js';
import { get } from './testing/rest-call.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const PACKAGE = 'threadweaver.thread.v1';

describe('Services that break', function () {
  this.timeout(30_000);
  let backend: Http2Server;
  let envoy: TestEnvoy;
  let commands: ProtoClient;
  let queries: ProtoClient;
  /** How the service breaks, and the request ids of the calls that reached it. */
  let breakAt: (stream: ServerHttp2Stream) => void = () => undefined;
  let calls: string[] = [];

  before(async () => {
    backend = createServer();
    backend.on('sessionError', () => undefined);
    backend.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      const path = String(headers[':path']);
      // Of a health check it says nothing bad: SERVING.
      if (path.startsWith('/grpc.health.')) return answer(stream, Buffer.from([0, 0, 0, 0, 2, 8, 1]));
      calls.push(String(headers['x-request-id']));
      breakAt(stream);
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    envoy = await startEnvoy((backend.address() as AddressInfo).port, { callTimeoutMs: 400 });
    const file = (name: string) => `threadweaver/thread/v1/thread_${name}_service.proto`;
    commands = protoClient(file('command'), `${PACKAGE}.ThreadCommandService`, envoy.authority);
    queries = protoClient(file('query'), `${PACKAGE}.ThreadQueryService`, envoy.authority);
  });
  after(async () => {
    commands.close();
    queries.close();
    await envoy.stop();
    backend.close();
  });

  function answer(stream: ServerHttp2Stream, message: Buffer): void {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(message);
  }
  const failureOf = (call: Promise<unknown>): Promise<ServiceError> =>
    call.then(
      () => assert.fail('the call succeeded'),
      (error: ServiceError) => error,
    );
  const command = () => failureOf(commands.call('DestroyThread', { thread_id: 'T' }));
  const query = () => failureOf(queries.call('GetThread', { thread_id: 'T' }));
  const watch = async (): Promise<ServiceError> => {
    const stream = queries.stream('WatchThread', { thread_id: 'T' });
    const [error] = (await once(stream.resume(), 'error').catch((error: unknown) => [error])) as [ServiceError];
    return error;
  };

  const resets = [0, 1, 2, 5, 7, 8, 11];
  const breaks: [string, (stream: ServerHttp2Stream) => void][] = [
    ['die', (stream) => stream.session?.destroy()],
    ...resets.map((code): [string, typeof breakAt] => [`reset with ${code}`, (stream) => stream.close(code)]),
    ['answer as something else', (stream) => (stream.respond({ ':status': 503 }), stream.end('<html>'))],
  ];
  for (const [how, act] of breaks) {
    it(`before they answer are UNAVAILABLE in our own words, and repeats are known by their request id: when they ${how}`, async () => {
      breakAt = act;
      for (const [name, call] of Object.entries({ command, query, watch })) {
        calls = [];
        const { code, details } = await call();
        assert.equal(status[code], 'UNAVAILABLE', name);
        // The last one is grpc-js' own: a client is told what came.
        assert.match(details, /^service is unavailable$|^Received HTTP status code 503$/);
        // The service carries out once what comes with one request id.
        assert.deepEqual([calls.length > 0, new Set(calls).size], [true, 1], name);
      }
    });
  }

  it('by saying nothing are DEADLINE_EXCEEDED in our own words', async () => {
    breakAt = () => undefined;
    for (const call of [command, query]) {
      calls = [];
      const { code, details } = await call();
      assert.deepEqual([status[code], details, calls.length], ['DEADLINE_EXCEEDED', 'time-out', 1]);
    }
  });

  it('by not being there are UNAVAILABLE in our own words', async () => {
    const lonely = await startEnvoy(await freePort());
    const client = protoClient('thread/thread_services.proto', 'thread.ThreadQueryService', lonely.authority);
    const { code, details } = await failureOf(client.call('GetThread', {}));
    assert.deepEqual([status[code], details], ['UNAVAILABLE', 'service is unavailable']);
    client.close();
    await lonely.stop();
  });

  describe('are not bothered', () => {
    beforeEach(() => {
      calls = [];
      breakAt = (stream) => answer(stream, Buffer.alloc(5));
    });

    it('with a deadline that is none: the client hears what is wrong with it', async () => {
      const wrong = ['', '1', 'S', '1s', '-1S', '123456789S', '1 S', '1S,2S', '0x1S', '1.5S'];
      const session = connect(envoy.url);
      for (const deadline of wrong) {
        const head = { ':method': 'POST', ':path': `/${PACKAGE}.ThreadCommandService/DestroyThread` };
        const stream = session.request({ ...head, 'content-type': 'application/grpc', 'grpc-timeout': deadline });
        stream.end(Buffer.alloc(5));
        const [headers] = (await once(stream, 'response')) as [Record<string, string>];
        assert.equal(headers['grpc-status'], String(status.INVALID_ARGUMENT), deadline);
        assert.match(String(headers['grpc-message']), /^grpc-timeout: must be /);
        for (const path of ['', '/T/events']) {
          const rest = await get(`${envoy.url}/v1/threads${path}`, { 'grpc-timeout': deadline });
          assert.equal(rest.status, 400, deadline);
          assert.match(rest.text, /^\{"error_messages":\["grpc-timeout: must be /);
        }
      }
      session.destroy();
      assert.deepEqual(calls, []);
      for (const deadline of ['1S', '99999999n', '100m', '3u', '1H', '2M']) {
        assert.notEqual((await get(`${envoy.url}/v1/threads`, { 'grpc-timeout': deadline })).status, 400, deadline);
      }
    });

    it('with what clients call us', async () => {
      const hosts: unknown[] = [];
      breakAt = (stream) => answer(stream, Buffer.alloc(5));
      const listen = (_: unknown, headers: Record<string, unknown>) => void hosts.push(headers[':authority']);
      backend.on('stream', listen);
      for (const host of ['', 'other.example:1', '[::1]', 'a_b']) {
        const request = `GET /v1/threads?account_id=a HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
        assert.equal((await rawHttp(envoy.settings.port, request)).status, 200, host);
      }
      backend.off('stream', listen);
      assert.equal(calls.length, 4);
      assert.ok(hosts.filter((host) => host === 'mesh').length >= 4, hosts.join());
    });
  });
});
