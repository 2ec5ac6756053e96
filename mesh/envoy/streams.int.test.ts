import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { HttpBody } from '../../gen/google/api/httpbody.js';
import { protoClient } from '../../platform/testing/proto-client.js';
import { CannedServices } from './testing/canned-services.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

/** What a unary call may take here. */
const CALL_TIMEOUT_MS = 300;
const COUNT = 8;

describe("Envoy's streams", function () {
  this.timeout(60_000);
  let canned: CannedServices;
  let envoy: TestEnvoy;

  before(async () => {
    canned = await CannedServices.start();
    envoy = await startEnvoy(canned.port, { callTimeoutMs: CALL_TIMEOUT_MS });
  });
  after(async () => {
    await envoy?.stop();
    canned?.stop();
  });

  /** Messages each of which is sent only after the one before has arrived, for longer than a unary call may take. */
  function oneByOne(messageOf: (index: number) => object) {
    let arrived = 0;
    let wake = (): void => undefined;
    async function* messages(): AsyncIterable<object> {
      for (let index = 1; index <= COUNT; index += 1) {
        yield messageOf(index);
        while (arrived < index) await new Promise<void>((resolve) => (wake = resolve));
        await sleep((2 * CALL_TIMEOUT_MS) / COUNT);
      }
    }
    canned.answer({ messages: messages() });
    return (): void => {
      arrived += 1;
      wake();
    };
  }

  it('of gRPC last longer than a call may take, and are not held back', async () => {
    const arrive = oneByOne((index) => ({ content: { $case: 'heartbeat', value: { version: BigInt(index) } } }));
    const file = 'threadweaver/thread/v1/thread_query_service.proto';
    const client = protoClient(file, 'threadweaver.thread.v1.ThreadQueryService', envoy.authority);
    const versions: string[] = [];
    for await (const { heartbeat } of client.stream('WatchThread', {})) {
      versions.push((heartbeat as { version: string }).version);
      arrive();
    }
    assert.equal(versions.length, COUNT);
    client.close();
  });

  it('of server-sent events do, too, and take Last-Event-ID and both spellings of from_version to the service', async () => {
    const frame = (index: number): HttpBody => ({
      contentType: 'text/event-stream',
      data: Buffer.from(`id: ${index}\n\n`),
      extensions: [],
    });
    for (const name of ['from_version', 'fromVersion']) {
      const arrive = oneByOne(frame);
      const response = await fetch(`${envoy.url}/v1/threads/T/events?account_id=A&thread_id=other&${name}=4`, {
        headers: { 'last-event-id': '7' },
      });
      assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/event-stream']);
      let text = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        arrive();
      }
      assert.equal(text, Array.from({ length: COUNT }, (_, index) => `id: ${index + 1}\n\n`).join(''));
      const { request, metadata } = canned.lastCall;
      assert.deepEqual(request, { threadId: 'T', accountId: 'A', fromVersion: '4' });
      assert.equal(metadata['last-event-id'], '7');
      assert.equal(metadata['x-thread-id'], 'T');
    }
  });

  it('that fail before they begin are ordinary errors', async () => {
    canned.answer({ status: { code: status.NOT_FOUND, details: 'thread is not found' } });
    const response = await fetch(`${envoy.url}/v1/threads/T/events`);
    assert.equal(response.status, 404);
    assert.deepEqual(await response.json(), { error_messages: ['thread is not found'] });
    const post = await fetch(`${envoy.url}/v1/threads/T/events`, { method: 'POST' });
    assert.equal(post.status, 405);
  });
});
