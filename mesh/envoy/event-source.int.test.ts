import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { EventSource } from 'eventsource';
import { CannedServices, type CannedAnswer } from './testing/canned-services.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

/** `eventsource` follows the WHATWG's algorithm as browsers do: any status but 200 is the end for good. */
describe("a browser's EventSource", function () {
  this.timeout(30_000);
  let canned: CannedServices;
  let envoy: TestEnvoy;
  let source: EventSource | undefined;

  beforeEach(async () => {
    canned = await CannedServices.start();
    envoy = await startEnvoy(canned.port);
  });
  afterEach(async () => {
    source?.close();
    await envoy?.stop();
    canned?.stop();
  });

  /** Frames as the service sends them: those behind Last-Event-ID, and then the end, as when a process dies. */
  const frames = ({ metadata }: { metadata: Record<string, unknown> }): CannedAnswer => ({
    messages: (async function* () {
      const next = Number(metadata['last-event-id'] ?? 0) + 1;
      const data = Buffer.from(`retry: 10\nid: ${next}\nevent: MessagesAdded\ndata: {}\n\n`);
      yield { contentType: 'text/event-stream', data, extensions: [] };
    })(),
  });

  /** Listens for ids until there are so many more. */
  function listen(): (count: number) => Promise<string[]> {
    const ids: string[] = [];
    let wake = (): void => undefined;
    const opened = new EventSource(`${envoy.url}/v1/threads/T/events?account_id=A`);
    source = opened;
    opened.addEventListener('MessagesAdded', ({ lastEventId }: MessageEvent) => {
      ids.push(lastEventId);
      wake();
    });
    opened.addEventListener('error', () => wake());
    return async (count) => {
      while (ids.length < count) {
        await new Promise<void>((resolve) => (wake = resolve));
        assert.notEqual(opened.readyState, EventSource.CLOSED, 'it has given up');
      }
      return ids;
    };
  }

  it('comes back after the only thread-query was away, with what it has seen', async () => {
    canned.answer(frames);
    const ids = listen();
    await ids(2);
    const { port } = canned;
    canned.stop();
    // It asks while there is nobody.
    const before = await envoy.stat('http.edge.downstream_rq_2xx');
    while ((await envoy.stat('http.edge.downstream_rq_2xx')) < before + 2)
      await new Promise((go) => setTimeout(go, 50));
    canned = await CannedServices.start(port);
    canned.answer(frames);
    const all = await ids(4);
    assert.deepEqual(
      all,
      all.map((_, index) => String(index + 1)),
    );
  });

  it('comes back after statuses that pass, and not after one that stays', async () => {
    const codes = [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED, status.DEADLINE_EXCEEDED, status.NOT_FOUND];
    const sse = 'text/event-stream; charset=utf-8';
    const answers = [];
    for (const code of codes) {
      canned.answer({ status: { code, details: 'said why' } });
      const headers = { accept: 'text/event-stream' };
      const response = await fetch(`${envoy.url}/v1/threads/T/events?account_id=A`, { headers });
      answers.push([response.status, response.headers.get('content-type'), await response.text()]);
    }
    assert.deepEqual(answers, [
      [200, sse, 'retry: 1000\n: service is unavailable\n\n'],
      [200, sse, 'retry: 10000\n: too many requests\n\n'],
      [200, sse, 'retry: 1000\n: time-out\n\n'],
      [404, 'application/json', '{"error_messages":["said why"]}'],
    ]);
  });

  it('is told apart from other clients, who get the status', async () => {
    canned.answer({ status: { code: status.UNAVAILABLE, details: 'said why' } });
    const response = await fetch(`${envoy.url}/v1/threads/T/events?account_id=A`);
    assert.deepEqual([response.status, await response.json()], [503, { error_messages: ['said why'] }]);
    assert.equal(response.headers.get('retry-after'), '1');
  });
});
