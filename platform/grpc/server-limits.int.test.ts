import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { ThreadQueryServiceService } from '../../gen/thread/thread_services.js';
import { GrpcServer, type ServerLimits } from './grpc-server.js';
import { bindUnaryService } from './unary-service.js';

const METHOD = '/thread.ThreadQueryService/GetMessages';
const PLENTY = 'x'.repeat(1024 * 1024);

describe("a server's limits", function () {
  this.timeout(20_000);
  let server: GrpcServer;
  let answered = 0;
  const sessions: ClientHttp2Session[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.destroy();
    for (const socket of sockets.splice(0)) socket.destroy();
    await server?.drain({ noticeMs: 0, timeoutMs: 100 });
  });

  async function serve(limits: ServerLimits): Promise<void> {
    answered = 0;
    const answer = async (): Promise<object> => {
      answered += 1;
      return { isSuccessful: true, messages: [], errorMessages: [PLENTY] };
    };
    // Every method does the same here.
    const handlers = new Proxy({}, { get: () => answer }) as never;
    const service = bindUnaryService(ThreadQueryServiceService, handlers, { logger: pino({ level: 'silent' }) });
    server = new GrpcServer({ host: '127.0.0.1', port: 0, services: [service], limits });
    await server.start();
  }

  function session(settings: object = {}): ClientHttp2Session {
    const opened = connectHttp2(`http://127.0.0.1:${server.port}`, { settings });
    opened.on('error', () => undefined);
    sessions.push(opened);
    return opened;
  }

  /** Begins a call, as of one of Envoy's clients if one is named. */
  function begin(on: ClientHttp2Session, client?: string): Call {
    const headers = { ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' };
    return new Call(on.request(client === undefined ? headers : { ...headers, 'x-forwarded-for': client }));
  }

  async function silent(localAddress: string): Promise<Socket> {
    const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  it('end a call whose request never ends, and its stream', async () => {
    await serve({ requestTimeoutMs: 100 });
    const call = begin(session());
    call.stream.write(Buffer.from([0, 0, 0, 1, 0, 1, 2, 3]));
    assert.equal(await call.status, status.DEADLINE_EXCEEDED);
    await call.closed;
    assert.equal(answered, 0);
  });

  it('leave a client only so many unfinished calls, and others theirs', async () => {
    await serve({ maxUnfinishedPerClient: 3 });
    const envoy = session();
    const calls = Array.from({ length: 8 }, () => begin(envoy, '203.0.113.7'));
    const other = begin(envoy, '203.0.113.8');
    const refused = await Promise.all(calls.slice(3).map((call) => call.status));
    assert.deepEqual(new Set(refused), new Set([status.RESOURCE_EXHAUSTED]));
    for (const call of [...calls.slice(0, 3), other]) {
      call.finish();
      assert.equal(await call.status, status.OK);
    }
  });

  it('leave a client only so many calls at once, however many connections it has, and others theirs', async () => {
    await serve({ maxCallsPerClient: 4 });
    const calls = Array.from({ length: 4 }, () => begin(session(), '203.0.113.7'));
    const envoy = session();
    // Each of the first four is there once a call after it on its connection was answered.
    await Promise.all(sessions.map((each) => new Promise((resolve) => each.ping(resolve))));
    assert.equal(await begin(envoy, '203.0.113.7').finish().status, status.RESOURCE_EXHAUSTED);
    assert.equal(await begin(envoy, 'made up, 203.0.113.7').finish().status, status.RESOURCE_EXHAUSTED);
    assert.equal(await begin(envoy, '203.0.113.8').finish().status, status.OK);
    for (const call of calls) call.finish();
    assert.deepEqual(await Promise.all(calls.map((call) => call.status)), Array<number>(4).fill(status.OK));
    assert.equal(await begin(envoy, '203.0.113.7').finish().status, status.OK);
  });

  it('reset the stream of an answer that is not taken', async () => {
    await serve({ answerTimeoutMs: 100 });
    const call = begin(session({ initialWindowSize: 0 })).finish();
    await call.closed;
    assert.equal(answered, 1);
    assert.notEqual(call.stream.rstCode, 0);
  });

  it('reset the oldest answers that a client does not take, when they are many bytes', async () => {
    await serve({ maxUntakenBytes: 2.5 * 1024 * 1024 });
    const reader = session({ initialWindowSize: 0 });
    const calls = Array.from({ length: 5 }, () => begin(reader, '203.0.113.7').finish());
    await Promise.all(calls.slice(0, 3).map((call) => call.closed));
    assert.deepEqual(
      calls.map(({ stream }) => stream.closed),
      [true, true, true, false, false],
    );
  });

  it('leave an address only so many connections, and others theirs', async () => {
    await serve({ maxConnectionsPerPeer: 3 });
    const [first] = [await silent('127.0.0.2'), await silent('127.0.0.2'), await silent('127.0.0.2')];
    await once(await silent('127.0.0.2'), 'close');
    assert.equal(await begin(session()).finish().status, status.OK);
    first?.destroy();
    // One that is closed makes room.
    for (;;) {
      const socket = await silent('127.0.0.2');
      const stays = new Promise<boolean>((resolve) => {
        socket.once('data', () => resolve(true));
        socket.once('close', () => resolve(false));
      });
      if (await stays) break;
    }
  });

  it('close a connection on which nothing is called', async () => {
    await serve({ connectionIdleMs: 100 });
    const socket = await silent('127.0.0.1');
    socket.resume();
    await once(socket, 'close');
    assert.equal(await begin(session()).finish().status, status.OK);
  });
});

/** One call by raw HTTP/2. */
class Call {
  /** The gRPC status, from headers or trailers. */
  readonly status: Promise<number>;
  readonly closed: Promise<unknown>;

  constructor(readonly stream: ClientHttp2Stream) {
    stream.on('error', () => undefined);
    this.closed = new Promise((resolve) => stream.on('close', resolve));
    this.status = new Promise((resolve) => {
      const take = (headers: object): void => {
        const value = (headers as Record<string, unknown>)['grpc-status'];
        if (value !== undefined) resolve(Number(value));
      };
      stream.on('response', take).on('trailers', take).resume();
    });
  }

  /** Sends an empty message as the request. */
  finish(): this {
    this.stream.end(Buffer.alloc(5));
    return this;
  }
}
