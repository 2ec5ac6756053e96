import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { startMesh, type MeshProcessName, type RunningMesh } from '../mesh/local/index.js';
import { WatchThreadRequest, WatchThreadResponse } from '../gen/threadweaver/thread/v1/thread_watch.js';
import { errorDetails } from '../platform/testing/error-info.js';
import { openThread, post, type Written } from './testing/command-load.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { BrowserWatcher, readEvents, ResumingWatcher } from './testing/thread-watchers.js';

const victims: readonly MeshProcessName[] = ['thread-command', 'thread-projector', 'thread-query', 'nats', 'envoy'];
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('watching a thread through Envoy', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let rest: RestClient;
  let written: Written;
  const watchers: ResumingWatcher[] = [];

  before(async () => {
    mesh = await startMesh({ serviceEnv: { WATCH_HEARTBEAT_MS: '1000' } });
    rest = new RestClient(mesh.url);
  });
  beforeEach(async () => (written = await openThread(rest)));
  afterEach(() => Promise.all(watchers.splice(0).map((watcher) => watcher.stop())));
  after(() => mesh?.stop());

  function watch(fromVersion = 1): ResumingWatcher {
    const request = { account_id: written.account, thread_id: written.threadId, from_version: fromVersion };
    const watcher = new ResumingWatcher(`127.0.0.1:${mesh.ports.envoy}`, request);
    watchers.push(watcher);
    return watcher;
  }
  const eventsUrl = (): string => `${mesh.url}/v1/threads/${written.threadId}/events?account_id=${written.account}`;

  /** Each version once, in order, and the same to all. */
  async function agreeOn(all: readonly ResumingWatcher[], version: number): Promise<void> {
    const first = all[0];
    await eventually(async () => {
      for (const watcher of all) assert.equal(watcher.versions.at(-1), version);
    }, 30_000);
    for (const watcher of all) {
      assert.deepEqual(watcher.versions, range(watcher.versions[0] ?? 0, version));
      assert.deepEqual(watcher.texts, first?.texts.slice(-watcher.texts.length));
    }
  }

  it('leaves no gap and repeats nothing, for watchers that join while many post', async () => {
    const all = [watch()];
    const posting = Promise.all(
      range(1, 8).map(async () => {
        for (const _ of range(1, 25)) {
          await post(rest, written);
          if (Math.random() < 0.08) all.push(watch(1 + Math.floor(Math.random() * (all[0]?.versions.at(-1) ?? 1))));
        }
      }),
    );
    await posting;
    await agreeOn(all, 201);
    assert.ok(all.length > 3);
    assert.deepEqual(new Set(all[0]?.texts), new Set(written.acknowledged.keys()));
    assert.deepEqual(
      all.flatMap(({ ends }) => ends.map(({ message }) => message)),
      [],
    );
  });

  it('misses and repeats nothing through kill -9 of each process', async () => {
    const all = [watch(), watch(), watch()];
    const browser = new BrowserWatcher(eventsUrl());
    let isPosting = true;
    const posting = Promise.all(
      range(1, 3).map(async () => {
        while (isPosting) {
          await post(rest, written);
          await sleep(5);
        }
      }),
    );
    for (const victim of victims) {
      const before = all[0]?.versions.length ?? 0;
      await mesh.process(victim).kill('SIGKILL');
      await mesh.process(victim).waitHealthy();
      await eventually(async () => {
        assert.ok(!browser.hasGivenUp, `the browser's EventSource has given up after ${victim}`);
        for (const { versions } of [...all, browser]) assert.ok(versions.length > before + 20, `after ${victim}`);
      }, 30_000);
    }
    isPosting = false;
    await posting;
    const last = Math.max(...all.map(({ versions }) => versions.at(-1) ?? 0), written.acknowledged.size + 1);
    await agreeOn(all, last);
    await eventually(async () => assert.deepEqual(browser.versions, range(1, last)), 30_000);
    browser.stop();
    const texts = all[0]?.texts ?? [];
    assert.equal(new Set(texts).size, texts.length, 'applied twice');
    for (const text of written.acknowledged.keys()) assert.ok(texts.includes(text), 'acknowledged and not told');
  });

  it('goes on, and begins, while the projector is down', async () => {
    const early = watch();
    await eventually(async () => assert.equal(early.versions.length, 1));
    await mesh.process('thread-projector').kill('SIGSTOP');
    try {
      for (const _ of range(1, 10)) await post(rest, written);
      const [late, resumed] = [watch(), watch(9)];
      await agreeOn([early, late, resumed], 11);
      // Not even the thread is in the read model.
      written = await openThread(rest);
      await agreeOn([watch()], 1);
    } finally {
      await mesh.process('thread-projector').kill('SIGCONT');
    }
  });

  it('is told by gRPC-Web, message by message', async () => {
    const request = { accountId: written.account, threadId: written.threadId, fromVersion: 1n, minVersion: 1n };
    const payload = WatchThreadRequest.encode(request).finish();
    const body = Buffer.concat([Buffer.from([0, 0, 0, 0, payload.length]), payload]);
    const response = await fetch(`${mesh.url}/threadweaver.thread.v1.ThreadQueryService/WatchThread`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', origin: 'http://localhost:3000' },
    });
    assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    const versions: number[] = [];
    let bytes = Buffer.alloc(0);
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
        const { content } = WatchThreadResponse.decode(bytes.subarray(5, 5 + bytes.readUInt32BE(1)));
        bytes = bytes.subarray(5 + bytes.readUInt32BE(1));
        if (content?.$case === 'commit') versions.push(Number(content.value.version));
        // Each is posted once the one before has arrived: nothing is held back on the way.
        if (versions.length < 4) await post(rest, written);
      }
      if (versions.length >= 4) break;
    }
    assert.deepEqual(versions.slice(0, 4), [1, 2, 3, 4]);
  });

  it('is told by server-sent events, which resume behind Last-Event-ID', async () => {
    await post(rest, written);
    const response = await fetch(eventsUrl(), { headers: { origin: 'http://localhost:3000' } });
    assert.deepEqual(
      [response.status, response.headers.get('content-type')],
      [200, 'text/event-stream; charset=utf-8'],
    );
    assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    const live = readEvents(response, (events) => events.length === 3);
    await post(rest, written);
    assert.deepEqual(
      (await live).map(({ id, event }) => [id, event]),
      [
        ['1', 'ThreadCreated'],
        ['2', 'MessagesAdded'],
        ['3', 'MessagesAdded'],
      ],
    );
    const headers = { 'last-event-id': '2' };
    const [resumed] = await readEvents(await fetch(eventsUrl(), { headers }), (events) => events.length === 1);
    const { version, events } = JSON.parse(resumed?.data ?? '') as { version: string; events: object[] };
    assert.deepEqual([resumed?.id, version, Object.keys(events[0] ?? {})], ['3', '3', ['messagesAdded']]);
  });

  it('carries a history that is larger than any buffer on the way, and no frame is damaged', async () => {
    const text = '😀'.repeat(255);
    const messages = range(1, 1_000).map(() => ({ toAccountIds: [], text }));
    for (const _ of range(1, 4)) {
      const body = { accountId: written.account, messages, createAt: Date.now() };
      assert.equal((await rest.post(`/v1/threads/${written.threadId}/messages/add`, body)).status, 200);
    }
    for (const _ of range(1, 5)) {
      const events = await readEvents(await fetch(eventsUrl()), (all) => all.length === 5);
      assert.deepEqual(
        events.map(({ id }) => id),
        ['1', '2', '3', '4', '5'],
      );
      for (const { data } of events) JSON.parse(data ?? '');
    }
  });

  it('refuses with the older API’s errors before anything is sent', async () => {
    const cases: [string, Record<string, string>, number, string][] = [
      [`/v1/threads/${written.threadId}/events?account_id=01DB5QXD4NP0XQTV92K42B3XBF`, {}, 404, 'thread is not found'],
      [
        `/v1/threads/x/events?account_id=${written.account}`,
        {},
        400,
        'thread_id: ulidString must be exactly 26 chars long.',
      ],
      [
        `${new URL(eventsUrl()).pathname}?account_id=${written.account}&from_version=-1`,
        {},
        400,
        'from_version: must be from 0',
      ],
      [
        `${new URL(eventsUrl()).pathname}?account_id=${written.account}`,
        { 'last-event-id': 'x' },
        400,
        'last-event-id: must be a whole number',
      ],
    ];
    for (const [path, headers, code, text] of cases) {
      const response = await fetch(mesh.url + path, { headers });
      const { error_messages: errors } = (await response.json()) as { error_messages: string[] };
      assert.equal(response.status, code);
      assert.ok(errors.length === 1 && errors[0]?.startsWith(text), errors.join());
    }
  });

  it('is ended by SIGTERM with where to resume', async () => {
    const watcher = watch();
    const response = await fetch(eventsUrl());
    const events = readEvents(response, () => false);
    await eventually(async () => assert.equal(watcher.versions.length, 1));
    await mesh.process('thread-query').kill('SIGTERM');
    const last = (await events).at(-1);
    const { reason, from_version } = JSON.parse(last?.data ?? '') as Record<string, string>;
    assert.deepEqual([last?.event, reason, from_version], ['end', 'SHUTTING_DOWN', '2']);
    const end = await eventually(async () => watcher.ends[0] ?? assert.fail('the stream goes on'));
    assert.equal(end.code, status.UNAVAILABLE);
    assert.deepEqual(errorDetails(end), { reason: 'SHUTTING_DOWN', metadata: { from_version: '2' }, fields: [] });
    await mesh.process('thread-query').waitHealthy();
    await post(rest, written);
    await agreeOn([watcher], 2);
  });
});
