import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Metadata, status } from '@grpc/grpc-js';
import { BadRequest } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { freePort } from '../servers/index.js';
import { CannedServices } from './testing/canned-services.js';
import { call, get, post, type RestAnswer } from './testing/rest-call.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

describe("Envoy's REST: errors", () => {
  let services: CannedServices;
  let envoy: TestEnvoy;
  before(async () => {
    services = await CannedServices.start();
    envoy = await startEnvoy(services.port, { callTimeoutMs: 400 });
  });
  after(async () => {
    await envoy.stop();
    services.stop();
  });

  const create = (body: string | Uint8Array, headers?: Record<string, string>) =>
    post(`${envoy.url}/v1/threads/create`, body, headers);
  const isError = (answer: RestAnswer, code: number, ...messages: string[]) => {
    // What Envoy answers before its filters ends with a line break.
    assert.equal(answer.text.trimEnd(), JSON.stringify({ error_messages: messages }));
    assert.equal(answer.status, code);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(Number(answer.headers.get('content-length')), Buffer.byteLength(answer.text));
  };

  describe('of the services', () => {
    const codes: [keyof typeof status, number][] = [
      ['INVALID_ARGUMENT', 400],
      ['FAILED_PRECONDITION', 400],
      ['OUT_OF_RANGE', 400],
      ['UNAUTHENTICATED', 401],
      ['PERMISSION_DENIED', 403],
      ['NOT_FOUND', 404],
      ['ALREADY_EXISTS', 409],
      ['ABORTED', 409],
      ['RESOURCE_EXHAUSTED', 429],
      ['INTERNAL', 500],
      ['DATA_LOSS', 500],
      ['UNIMPLEMENTED', 501],
      ['UNAVAILABLE', 503],
      ['DEADLINE_EXCEEDED', 504],
    ];
    for (const [name, http] of codes) {
      it(`are ${http} for ${name}`, async () => {
        services.answer({ status: { code: status[name], details: 'thread is not found' } });
        isError(await get(`${envoy.url}/v1/threads/T?account_id=a`), http, 'thread is not found');
      });
    }

    it('carry one message a line, whatever its characters', async () => {
      const lines = [
        '"quoted" \\ and \\n not a line',
        'control \u0001\u001f\t',
        'ümlaut 😀 100% %20',
        '{"code":5,"message":"x"}',
      ];
      services.answer({ status: { code: status.INVALID_ARGUMENT, details: lines.join('\n') } });
      const answer = await create('{}');
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.json, { error_messages: lines });
    });

    it('carry the messages of a status with details', async () => {
      const badRequest = BadRequest.encode(
        BadRequest.fromPartial({ fieldViolations: [{ field: 'title', description: 'is "bad"' }] }),
      ).finish();
      const metadata = new Metadata();
      const rpcStatus = Status.encode({
        code: status.INVALID_ARGUMENT,
        message: 'title is too long\nadministrator-ids is empty',
        details: [{ typeUrl: 'type.googleapis.com/google.rpc.BadRequest', value: Buffer.from(badRequest) }],
      }).finish();
      metadata.set('grpc-status-details-bin', Buffer.from(rpcStatus));
      const details = 'title is too long\nadministrator-ids is empty';
      services.answer({ status: { code: status.INVALID_ARGUMENT, details, metadata } });
      isError(await create('{}'), 400, 'title is too long', 'administrator-ids is empty');
    });

    it('carry the message of a status whose details Envoy does not know', async () => {
      const metadata = new Metadata();
      const rpcStatus = Status.encode({
        code: status.INTERNAL,
        message: 'one\ntwo',
        details: [{ typeUrl: 'type.googleapis.com/some.Unknown', value: Buffer.from('??') }],
      }).finish();
      metadata.set('grpc-status-details-bin', Buffer.from(rpcStatus));
      services.answer({ status: { code: status.INTERNAL, details: 'a "one" \\ 100% %25\nzwei ü 😀', metadata } });
      const answer = await create('{}');
      assert.equal(answer.status, 500);
      assert.deepEqual(answer.json, { error_messages: ['a "one" \\ 100% %25', 'zwei ü 😀'] });
    });

    it('are the same when the service had sent its headers before', async () => {
      services.answer({ headersFirst: true, status: { code: status.NOT_FOUND, details: 'thread is not found' } });
      isError(await get(`${envoy.url}/v1/threads/T?account_id=a`), 404, 'thread is not found');
    });

    it('say something where the service says nothing', async () => {
      services.answer({ status: { code: status.NOT_FOUND, details: '' } });
      isError(await get(`${envoy.url}/v1/threads/T?account_id=a`), 404, 'not found');
    });

    it('hold fifty messages', async () => {
      const lines = Array.from({ length: 50 }, (_, index) => `toAccountIds[${index}]: ${'ü'.repeat(60)}`);
      services.answer({ status: { code: status.INVALID_ARGUMENT, details: lines.join('\n') } });
      assert.deepEqual((await create('{}')).json, { error_messages: lines });
    });
  });

  describe('of bodies', () => {
    beforeEach(() => services.answer({ response: {} }));
    const bodies: [string, string | Uint8Array, string][] = [
      ['cut JSON', '{"accountId":', 'body: malformed JSON: Unexpected end of string. Expected a value.'],
      ['text behind the JSON', '{} x', 'body: malformed JSON: Parsing terminated before end of input.'],
      ['no JSON at all', 'a=b&c=d', 'body: malformed JSON: Unexpected token.'],
      [
        'invalid UTF-8',
        Buffer.from('{"title":"\xff\xfe"}', 'latin1'),
        'body: malformed JSON: Encountered non UTF-8 code points.',
      ],
      ['half a surrogate pair', '{"title":"\\ud800"}', 'body: malformed JSON: Missing low surrogate.'],
      ['a list', '[]', 'body: must be a JSON object'],
      ['null', 'null', 'body: must be a JSON object'],
      ['a nest', `{"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'body: is nested too deeply'],
    ];
    for (const [name, body, message] of bodies) {
      it(`are 400 for ${name}`, async () => {
        isError(await create(body), 400, message);
        assert.deepEqual(services.calls, []);
      });
    }

    it('are 415 for other content types', async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
        isError(await create('{}', { 'content-type': type }), 415, 'content-type: must be application/json');
      }
      assert.deepEqual(services.calls, []);
    });

    it('are 413 beyond 4 MiB, with the length known or not', async () => {
      const body = Buffer.from(JSON.stringify({ title: 'x'.repeat(4 * 1024 * 1024) }));
      isError(await create(body), 413, 'body is too large');
      const chunks = new ReadableStream({
        pull(controller) {
          controller.enqueue(body.subarray(0, 1_000_000));
        },
      });
      const init = { method: 'POST', body: chunks, duplex: 'half', headers: { 'content-type': 'application/json' } };
      isError(await call(`${envoy.url}/v1/threads/create`, init as RequestInit), 413, 'body is too large');
      assert.deepEqual(services.calls, []);
    });
  });

  describe('of Envoy', () => {
    it('are 404 for unknown paths', async () => {
      isError(await get(`${envoy.url}/`), 404, 'path is not found');
      isError(await get(`${envoy.url}/v2/threads`), 404, 'path is not found');
      isError(await post(`${envoy.url}/v1/threads/T/messages/edit`, '{}'), 404, 'path is not found');
      isError(await post(`${envoy.url}/thread.ThreadCommandService/CreateThread`, '{}'), 404, 'path is not found');
    });

    it('are 405 for a known path with another method', async () => {
      const put = await call(`${envoy.url}/v1/threads/create`, { method: 'PUT', body: '{}' });
      isError(put, 405, 'method is not allowed');
      assert.equal(put.headers.get('allow'), 'POST');
      isError(await post(`${envoy.url}/v1/threads/T`, '{}'), 405, 'method is not allowed');
      isError(await get(`${envoy.url}/v1/threads/T/destroy`), 405, 'method is not allowed');
    });

    it('are 504 when the service takes too long', async () => {
      services.answer({ silence: true });
      const answer = await get(`${envoy.url}/v1/threads/T?account_id=a`);
      // The service knows the deadline too, and may be the first to answer.
      isError(answer, 504, 'time-out');
    });

    it("are in our words too when it was the service's sidecar that answered", async () => {
      const said: [details: string, code: keyof typeof status, http: number, ours: string][] = [
        ['downstream duration timeout', 'DEADLINE_EXCEEDED', 504, 'time-out'],
        ['upstream connect error or disconnect/reset before headers', 'UNAVAILABLE', 503, 'service is unavailable'],
        ['RBAC: access denied', 'PERMISSION_DENIED', 403, 'not permitted'],
      ];
      for (const [details, code, http, ours] of said) {
        services.answer({ status: { code: status[code], details } });
        isError(await get(`${envoy.url}/v1/threads/T?account_id=a`), http, ours);
      }
    });

    it('are 504 when the service hangs', async () => {
      const hanging = createServer();
      hanging.on('stream', (stream) => stream.on('error', () => undefined));
      hanging.listen(0, '127.0.0.1');
      await once(hanging, 'listening');
      const before = await startEnvoy((hanging.address() as AddressInfo).port, { callTimeoutMs: 200 });
      try {
        isError(await get(`${before.url}/v1/threads/T?account_id=a`), 504, 'time-out');
        isError(await post(`${before.url}/v1/threads/create`, '{}'), 504, 'time-out');
      } finally {
        await before.stop();
        hanging.close();
      }
    });

    it('are 431 for headers too large, or too many', async () => {
      isError(
        await get(`${envoy.url}/v1/threads/T`, { 'x-large': 'x'.repeat(40_000) }),
        431,
        'Request Header Fields Too Large',
      );
      const many = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`x-${index}`, 'x']));
      assert.equal((await get(`${envoy.url}/v1/threads/T`, many)).status, 431);
    });

    it('are 503 when the service is not there', async () => {
      const lonely = await startEnvoy(await freePort());
      try {
        isError(await get(`${lonely.url}/v1/threads/T?account_id=a`), 503, 'service is unavailable');
        isError(await post(`${lonely.url}/v1/threads/create`, '{}'), 503, 'service is unavailable');
      } finally {
        await lonely.stop();
      }
    });
  });
});
