import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ThreadCommandServiceClient as OlderClient } from '../../gen/thread/thread_services.js';
import {
  CreateThreadRequest,
  CreateThreadResponse,
  ThreadCommandServiceClient,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { ThreadQueryServiceClient } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { HealthClient } from '../../gen/grpc/health/v1/health.js';
import { freePort } from '../servers/index.js';
import { CannedServices } from './testing/canned-services.js';
import { grpcWebCall } from './testing/grpc-web.js';
import { listServices } from './testing/reflection-client.js';
import { call, get, post } from './testing/rest-call.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const CREATE = '/threadweaver.thread.v1.ThreadCommandService/CreateThread';

describe("Envoy's gRPC", () => {
  let services: CannedServices;
  let envoy: TestEnvoy;
  let commands: ThreadCommandServiceClient;
  let queries: ThreadQueryServiceClient;
  before(async () => {
    services = await CannedServices.start();
    envoy = await startEnvoy(services.port, { callTimeoutMs: 1_000 });
    commands = new ThreadCommandServiceClient(envoy.authority, credentials.createInsecure());
    queries = new ThreadQueryServiceClient(envoy.authority, credentials.createInsecure());
  });
  after(async () => {
    commands.close();
    queries.close();
    await envoy.stop();
    services.stop();
  });

  const create = (title: string, metadata = new Metadata(), client = commands): Promise<CreateThreadResponse> =>
    new Promise((resolve, reject) => {
      client.createThread(CreateThreadRequest.fromPartial({ title }), metadata, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  const failure = async (attempt: Promise<unknown>): Promise<ServiceError> => {
    try {
      await attempt;
    } catch (error) {
      return error as ServiceError;
    }
    throw new assert.AssertionError({ message: 'the call succeeded' });
  };

  it('takes messages as protobuf only', async () => {
    services.answer({ response: { threadId: 'T' } });
    const before = services.calls.length;
    const web = (type: string) => grpcWebCall(`${envoy.url}${CREATE}`, Buffer.from('{}'), { 'content-type': type });
    for (const type of ['application/grpc-web+json', 'application/grpc-web-text+thrift']) {
      assert.equal((await web(type)).httpStatus, 415, type);
    }
    assert.equal(services.calls.length, before);
    for (const type of ['application/grpc-web', 'application/grpc-web+proto']) {
      const message = Buffer.from(CreateThreadRequest.encode(CreateThreadRequest.fromPartial({})).finish());
      const answer = await grpcWebCall(`${envoy.url}${CREATE}`, message, { 'content-type': type });
      assert.equal(answer.grpcStatus, '0', type);
    }
  });

  it('passes calls of every package through', async () => {
    services.answer({ response: { threadId: 'T', version: 7n } });
    assert.deepEqual(await create('ünï 😀'), { threadId: 'T', version: 7n });
    assert.equal(services.lastCall.request.title, 'ünï 😀');
    services.answer({ response: { isSuccessful: true, threadId: 'T' } });
    const older = new OlderClient(envoy.authority, credentials.createInsecure());
    const request = { ...emptyOlderRequest, createAt: 10_000n };
    const answer = await new Promise((resolve, reject) => {
      older.createThread(request, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
    older.close();
    assert.deepEqual(answer, { isSuccessful: true, threadId: 'T', errorMessages: [] });
    assert.equal(services.lastCall.request.createAt, 10_000n);
  });

  it('leaves the status and its details as the service gave them', async () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([8, 3, 0xff]));
    const details = 'title: must have at most 255 characters\nsecond line ü "😀"';
    services.answer({ status: { code: status.INVALID_ARGUMENT, details, metadata } });
    const error = await failure(create('x'));
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.equal(error.details, details);
    assert.deepEqual(error.metadata.get('grpc-status-details-bin'), [Buffer.from([8, 3, 0xff])]);
  });

  it('gives statuses for what Envoy itself answers', async () => {
    const lonely = await startEnvoy(await freePort());
    const client = new ThreadCommandServiceClient(lonely.authority, credentials.createInsecure());
    try {
      assert.equal((await failure(create('x', new Metadata(), client))).code, status.UNAVAILABLE);
      const web = await grpcWebCall(`${lonely.url}${CREATE}`, new Uint8Array());
      assert.equal(web.grpcStatus, String(status.UNAVAILABLE));
    } finally {
      client.close();
      await lonely.stop();
    }
    const unknown = await grpcWebCall(`${envoy.url}/no.such.Service/Call`, new Uint8Array());
    assert.equal(unknown.grpcStatus, String(status.UNIMPLEMENTED));
  });

  it('ends a slow call at its own limit, and at an earlier deadline of the client', async () => {
    services.answer({ silence: true });
    assert.equal((await failure(create('x'))).code, status.DEADLINE_EXCEEDED);
    // A deadline that only Envoy and the service see, so that the answer is theirs.
    const session = connect(envoy.url);
    const answered: string[] = [];
    const begin = async (name: string, headers: Record<string, string>): Promise<void> => {
      const path = { ':method': 'POST', ':path': CREATE, 'content-type': 'application/grpc' };
      const stream = session.request({ ...path, ...headers });
      stream.end(Buffer.alloc(5));
      const [response] = (await once(stream, 'response')) as [Record<string, unknown>];
      assert.equal(response['grpc-status'], String(status.DEADLINE_EXCEEDED));
      answered.push(name);
    };
    // The one with a deadline begins last and ends first.
    await Promise.all([begin('own limit', {}), begin('deadline', { 'grpc-timeout': '100m' })]);
    session.destroy();
    assert.deepEqual(answered, ['deadline', 'own limit']);
  });

  it('repeats a command that found the service unavailable, with the same request id', async () => {
    const seen: unknown[] = [];
    services.answer(({ metadata }) => {
      seen.push(metadata['x-request-id']);
      if (seen.length < 3) return { status: { code: status.UNAVAILABLE, details: 'not yet' } };
      return { response: { threadId: 'T' } };
    });
    assert.equal((await create('x')).threadId, 'T');
    assert.equal(seen.length, 3);
    assert.equal(new Set(seen).size, 1);
  });

  it('does not repeat a command whose request id the service would not take', async () => {
    services.answer({ status: { code: status.UNAVAILABLE, details: 'not yet' } });
    const metadata = new Metadata();
    metadata.set('x-request-id', 'x'.repeat(129));
    assert.equal((await failure(create('x', metadata))).code, status.UNAVAILABLE);
    assert.equal(services.calls.length, 1);
  });

  it('does not repeat a command that failed in another way', async () => {
    for (const code of [status.INTERNAL, status.ABORTED, status.RESOURCE_EXHAUSTED]) {
      services.answer({ status: { code, details: 'no' } });
      assert.equal((await failure(create('x'))).code, code);
      assert.equal(services.calls.length, 1);
    }
  });

  it('lists the API of the whole mesh by reflection, though each service lists its own', async () => {
    const all = await listServices(envoy.authority);
    assert.ok(all.includes('threadweaver.thread.v1.ThreadCommandService'), all.join());
    assert.ok(all.includes('thread.ThreadQueryService'), all.join());
    const own = await listServices(`127.0.0.1:${services.port}`);
    assert.ok(!own.includes('threadweaver.thread.v1.ThreadCommandService'), own.join());
  });

  it('answers health', async () => {
    const health = new HealthClient(envoy.authority, credentials.createInsecure());
    const answer = await new Promise<{ status: number }>((resolve, reject) => {
      health.check({ service: '' }, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
    health.close();
    assert.equal(answer.status, 1);
  });

  describe('request ids', () => {
    it('are kept as the client sent them, in either protocol', async () => {
      services.answer({ response: {} });
      // Envoy would write trace bits into a UUID if it could.
      for (const id of ['order-4711', '6b1c2a30-0f5e-4d0c-9f53-3b7f2a5d9e11']) {
        const metadata = new Metadata();
        metadata.set('x-request-id', id);
        await create('x', metadata);
        assert.equal(services.lastCall.metadata['x-request-id'], id);
        const answer = await post(`${envoy.url}/v1/threads/create`, '{}', { 'x-request-id': id });
        assert.equal(services.lastCall.metadata['x-request-id'], id);
        assert.equal(answer.headers.get('x-request-id'), id);
      }
    });

    it('are made where there is none, and start a trace', async () => {
      services.answer({ response: {} });
      const answer = await post(`${envoy.url}/v1/threads/create`, '{}');
      const { 'x-request-id': id, traceparent } = services.lastCall.metadata;
      assert.match(String(id), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.equal(answer.headers.get('x-request-id'), id);
      assert.ok(String(traceparent).startsWith(`00-${String(id).replaceAll('-', '')}-`));
      assert.match(String(traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    });

    it("leave the client's own trace alone", async () => {
      services.answer({ response: {} });
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await get(`${envoy.url}/v1/threads/T`, { traceparent });
      assert.equal(services.lastCall.metadata.traceparent, traceparent);
    });
  });

  describe('what only the mesh may say', () => {
    it('is taken off what clients send', async () => {
      services.answer({ response: {} });
      const metadata = new Metadata();
      metadata.set('x-mesh-reflection', 'all');
      metadata.set('x-envoy-original-path', '/v1/threads/OTHER');
      metadata.set('x-envoy-retry-on', '5xx');
      await create('x', metadata);
      for (const name of ['x-mesh-reflection', 'x-envoy-original-path', 'x-envoy-retry-on']) {
        assert.equal(services.lastCall.metadata[name], undefined, name);
      }
    });
  });

  describe('gRPC-Web', () => {
    it('serves a call and shows its status to a page of an allowed origin', async () => {
      services.answer({ response: { threadId: 'T', version: 1n } });
      const request = CreateThreadRequest.encode(CreateThreadRequest.fromPartial({ title: 'web' })).finish();
      const answer = await grpcWebCall(`${envoy.url}${CREATE}`, request, { origin: 'http://localhost:5173' });
      assert.equal(answer.grpcStatus, '0');
      assert.equal(CreateThreadResponse.decode(answer.message ?? Buffer.alloc(0)).threadId, 'T');
      assert.equal(services.lastCall.request.title, 'web');
      assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:5173');
      assert.match(answer.headers.get('access-control-expose-headers') ?? '', /grpc-status-details-bin/);
    });

    it("carries a service's error", async () => {
      services.answer({ status: { code: status.NOT_FOUND, details: 'thread is not found' } });
      const answer = await grpcWebCall(`${envoy.url}${CREATE}`, new Uint8Array());
      assert.equal(answer.httpStatus, 200);
      assert.equal(answer.grpcStatus, '5');
      assert.equal(decodeURIComponent(answer.grpcMessage ?? ''), 'thread is not found');
    });
  });

  describe('CORS', () => {
    const preflight = (path: string, origin: string) =>
      call(`${envoy.url}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-grpc-web',
        },
      });

    for (const path of [CREATE, '/v1/threads/create', '/v1/threads/T/messages/add']) {
      it(`lets a local page ask for ${path}`, async () => {
        const answer = await preflight(path, 'http://127.0.0.1:3000');
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get('access-control-allow-origin'), 'http://127.0.0.1:3000');
        assert.match(answer.headers.get('access-control-allow-headers') ?? '', /x-grpc-web/);
        assert.match(answer.headers.get('access-control-allow-methods') ?? '', /POST/);
      });
    }

    it('lets no other page', async () => {
      for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
        assert.equal((await preflight(CREATE, origin)).headers.get('access-control-allow-origin'), null, origin);
      }
    });

    it('shows REST answers to the page, errors of the service and of the body too', async () => {
      const origin = 'http://localhost:3000';
      services.answer({ status: { code: status.NOT_FOUND, details: 'thread is not found' } });
      const notFound = await get(`${envoy.url}/v1/threads/T`, { origin });
      assert.equal(notFound.status, 404);
      assert.equal(notFound.headers.get('access-control-allow-origin'), origin);
      const malformed = await post(`${envoy.url}/v1/threads/create`, '{', { origin });
      assert.equal(malformed.status, 400);
      assert.equal(malformed.headers.get('access-control-allow-origin'), origin);
    });
  });

  it('closes a connection that opens and cancels calls in a flood', async () => {
    services.answer({ silence: true });
    const session = connect(envoy.url);
    const closed = new Promise<void>((resolve) => session.once('close', resolve));
    session.on('error', () => undefined);
    for (let round = 0; round < 2_000 && !session.closed && !session.destroyed; round += 1) {
      const stream = session.request({ ':method': 'POST', ':path': CREATE, 'content-type': 'application/grpc' });
      stream.on('error', () => undefined);
      stream.close(8);
      if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    assert.equal(await envoy.stat('http.edge.downstream_rq_too_many_premature_resets'), 1);
    services.answer({ response: { threadId: 'T' } });
    assert.equal((await create('still served')).threadId, 'T');
  });
});

const emptyOlderRequest = {
  accountId: '',
  hasParentId: false,
  parentId: '',
  title: '',
  hasRemarks: false,
  remarks: '',
  administratorIds: [],
  memberIds: [],
};
