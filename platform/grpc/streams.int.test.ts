import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { Client, credentials, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { pino } from 'pino';
import { GetThreadRequest, GetThreadsRequest, type GetThreadsResponse } from '../../gen/thread/thread_messages.js';
import { ThreadQueryServiceService } from '../../gen/thread/thread_services.js';
import { Fault } from '../kernel/fault.js';
import type { CallContext, CallKind } from './call-context.js';
import { GrpcServer } from './grpc-server.js';
import { bindStreamingService, type ResponseStream, type StreamingServiceOptions } from './streaming-service.js';

// Methods of the API, as if they took streams: their messages will do.
const definition = {
  upload: { ...ThreadQueryServiceService.getThreads, requestStream: true },
  chat: { ...ThreadQueryServiceService.getThread, requestStream: true, responseStream: true },
};
type Upload = (
  requests: AsyncIterable<GetThreadsRequest>,
  context: CallContext,
) => Promise<Partial<GetThreadsResponse>>;
type Chat = (
  requests: AsyncIterable<GetThreadRequest>,
  context: CallContext,
  stream: ResponseStream<object>,
) => Promise<void>;

const answer = { isSuccessful: true, messages: [], errorMessages: [] };

describe('streams of requests', function () {
  this.timeout(20_000);
  let server: GrpcServer;
  let client: Client;
  const observed: [CallKind, status][] = [];
  const lines: Record<string, unknown>[] = [];
  afterEach(async () => {
    client.close();
    await server.drain({ noticeMs: 0, timeoutMs: 100 });
  });

  async function serve(handlers: { upload?: Upload; chat?: Chat }, options: Partial<StreamingServiceOptions> = {}) {
    observed.length = 0;
    lines.length = 0;
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
    const nothing = (): Promise<never> => assert.fail('not this one');
    const service = bindStreamingService(definition, { upload: nothing, chat: nothing, ...handlers } as never, {
      logger,
      observe: (_path, kind) => (code) => void observed.push([kind, code]),
      ...options,
    });
    const limits = { requestTimeoutMs: 300 };
    server = new GrpcServer({ host: '127.0.0.1', port: 0, services: [service], limits });
    await server.start();
    client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  }

  function upload(deadline = Infinity) {
    const { path, requestSerialize, responseDeserialize } = definition.upload;
    let settle: (outcome: ServiceError | GetThreadsResponse) => void;
    const outcome = new Promise<ServiceError | GetThreadsResponse>((resolve) => (settle = resolve));
    const call = client.makeClientStreamRequest(
      ...([path, requestSerialize, responseDeserialize, { deadline }] as const),
      (error, response) => settle(error ?? (response as GetThreadsResponse)),
    );
    call.on('error', () => undefined);
    return { call, outcome, code: () => outcome.then((each) => ('code' in each ? each.code : status.OK)) };
  }
  function chat() {
    const { path, requestSerialize, responseDeserialize } = definition.chat;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, { deadline: Infinity });
    return { call, ended: endOf(call as ClientDuplexStream<unknown, unknown>) };
  }
  function endOf(call: ClientDuplexStream<unknown, unknown>): Promise<status> {
    call.on('error', () => undefined);
    return new Promise((resolve) => call.on('status', ({ code }) => resolve(code)));
  }

  const counting: Upload = async (requests) => {
    let count = 0;
    for await (const { accountId } of requests) count += accountId.length;
    return { ...answer, errorMessages: [String(count)] };
  };
  const uploaded = (accountId = 'four'): GetThreadsRequest => GetThreadsRequest.fromPartial({ accountId });

  it('are answered once, after the last', async () => {
    await serve({ upload: counting });
    const { call, outcome } = upload();
    for (let count = 0; count < 1_000; count += 1) call.write(uploaded());
    call.end();
    assert.deepEqual(((await outcome) as GetThreadsResponse).errorMessages, ['4000']);
    assert.deepEqual(observed, [['client_stream', status.OK]]);
    assert.deepEqual(
      lines.map(({ code, msg }) => [code, msg]),
      [['OK', 'call']],
    );
  });

  it('are answered as they come, both ways', async () => {
    await serve({
      chat: async (requests, _context, stream) => {
        for await (const { threadId } of requests) stream.write({ ...answer, errorMessages: [`heard ${threadId}`] });
      },
    });
    const { call, ended } = chat();
    for (const threadId of ['one', 'two']) {
      call.write(GetThreadRequest.fromPartial({ threadId }));
      const [heard] = (await once(call, 'data')) as [{ errorMessages: string[] }];
      assert.deepEqual(heard.errorMessages, [`heard ${threadId}`]);
    }
    call.end();
    assert.equal(await ended, status.OK);
    assert.deepEqual(observed, [['bidi_stream', status.OK]]);
  });

  it('may be answered before the last, and then hold nothing', async () => {
    await serve({ upload: async (requests) => (await first(requests), answer) });
    const { call, code } = upload();
    call.write(uploaded());
    assert.equal(await code(), status.OK);
  });

  it('tell what the handler throws as a status, in both kinds', async () => {
    const refuse = async (): Promise<never> => {
      throw new Fault('failed-precondition', 'NOT_NOW', 'not now');
    };
    await serve({ upload: refuse, chat: refuse });
    const { call, code } = upload();
    call.end();
    assert.equal(await code(), status.FAILED_PRECONDITION);
    const other = chat();
    other.call.resume();
    assert.equal(await other.ended, status.FAILED_PRECONDITION);
  });

  it('are refused in the middle when one cannot be decoded, or is too large', async () => {
    await serve({ upload: counting }, { maxStreamedRequestBytes: 100 });
    const broken = client.makeClientStreamRequest(
      ...([definition.upload.path, (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, {}] as const),
      () => undefined,
    );
    broken.on('error', () => undefined);
    broken.write(Buffer.from([0x0a, 0x02, 0xff, 0xfe]));
    const [{ code }] = (await once(broken, 'status')) as [{ code: status }];
    assert.equal(code, status.INVALID_ARGUMENT);
    const large = upload();
    large.call.write(uploaded());
    large.call.write(uploaded('x'.repeat(200)));
    assert.equal(await large.code(), status.RESOURCE_EXHAUSTED);
  });

  it('end when the next does not come in time, or when there is no end to them', async () => {
    await serve({ upload: counting }, { maxUploadMs: 800 });
    const silent = upload();
    silent.call.write(uploaded());
    assert.equal(await silent.code(), status.DEADLINE_EXCEEDED);
    const endless = upload();
    const timer = setInterval(() => endless.call.write(uploaded()), 20);
    assert.equal(await endless.code(), status.DEADLINE_EXCEEDED);
    clearInterval(timer);
    const next = upload();
    next.call.end();
    assert.equal(await next.code(), status.OK);
  });

  for (const way of ['cancels', 'loses its connection'] as const) {
    it(`are not taken for complete when the caller ${way}`, async () => {
      const events = new EventEmitter();
      await serve({
        upload: async (requests) => {
          try {
            for await (const _ of requests) events.emit('heard');
          } catch (error) {
            events.emit('gone');
            throw error;
          }
          return answer;
        },
      });
      const relay = createServer((socket) => {
        const onwards = connect(server.port, '127.0.0.1');
        socket.on('error', () => undefined).pipe(onwards);
        onwards.on('error', () => undefined).pipe(socket);
        events.once('cut', () => onwards.destroy());
        for (const [one, other] of [
          [socket, onwards],
          [onwards, socket],
        ] as const) {
          one.on('close', () => other.destroy());
        }
      }).listen(0, '127.0.0.1');
      await once(relay, 'listening');
      client.close();
      client = new Client(`127.0.0.1:${(relay.address() as AddressInfo).port}`, credentials.createInsecure());
      const { call } = upload();
      const [heard, gone] = [once(events, 'heard'), once(events, 'gone')];
      call.write(uploaded());
      await heard;
      if (way === 'cancels') call.cancel();
      else events.emit('cut');
      await gone;
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(observed, [['client_stream', status.CANCELLED]]);
      client.close();
      events.emit('cut');
      relay.close();
    });
  }

  it('are not read ahead of a handler that takes its time', async () => {
    let taken = 0;
    let goOn: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    await serve({
      upload: async (requests) => {
        for await (const _ of requests) if ((taken += 1) === 1) await waiting;
        return answer;
      },
    });
    const { call, code } = upload();
    const large = uploaded('x'.repeat(60_000));
    let written = 0;
    while (call.write(large) && written < 2_000) written += 1;
    // What is on its way is bounded by HTTP/2's window and the few that are read ahead.
    assert.ok(written < 200, `${written} written`);
    goOn?.();
    call.end();
    assert.equal(await code(), status.OK);
  });
});

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
