import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../platform/process/project-root.js';
import { startMesh, type RunningMesh } from '../mesh/local/index.js';
import { askEnvoyAdmin, adminSocketOf } from '../mesh/local/envoy-component.js';
import { DASHBOARD_PATH } from '../mesh/local/prometheus-component.js';
import { freePort, isPortFree } from '../mesh/servers/free-ports.js';
import { serviceNames } from '../mesh/services.js';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../platform/testing/otlp-receiver.js';
import { protoClient } from '../platform/testing/proto-client.js';
import { scrape } from '../platform/testing/scrape.js';
import { eventually } from './testing/eventually.js';
import { listenersOf, loopback } from './testing/listening-sockets.js';
import { RestClient } from './testing/rest-client.js';
import { newAccount, newThread, type TestThread } from './testing/threads.js';

/** A caller's own trace. */
function newTrace(flags: '00' | '01') {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

/** The first of so many free ports in a row. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, index) => isPortFree(first + index + 1));
    if (!(await Promise.all(others)).includes(false)) return first;
  }
}

describe('Seeing inside a mesh', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let rest: RestClient;
  let receiver: OtlpReceiver;
  let thread: TestThread;
  const metricsPorts = new Map<string, number>();
  // Debian's package: elsewhere a developer goes without, a pipeline does not.
  const isObserved = existsSync('/usr/bin/apt-get') || process.env.CI !== undefined;

  before(async () => {
    receiver = await startOtlpReceiver();
    const names = serviceNames.flatMap((service) => [service, `${service}-2`]);
    const metricsPort = await freePorts(names.length);
    for (const [index, name] of names.entries()) metricsPorts.set(name, metricsPort + index);
    mesh = await startMesh({
      instances: 2,
      // What the caller's own trace says, and nothing else.
      tracing: { endpoint: receiver.endpoint, sampler: 'parentbased_always_off', ratio: 0 },
      serviceEnv: { OTEL_BSP_SCHEDULE_DELAY: '200', LOG_LEVEL: 'debug' },
      metricsPort,
      observe: isObserved,
    });
    rest = new RestClient(mesh.url);
    thread = await newThread(rest);
  });
  after(async () => {
    await mesh?.stop();
    await receiver?.close();
  });

  /** Whether all is there up to the rows: processes send their spans when they like. @param root the caller's own span */
  const isWhole =
    (root: string) =>
    (spans: readonly ReceivedSpan[]): boolean => {
      const known = new Set([root, ...spans.map(({ spanId }) => spanId)]);
      return spans.some(({ name }) => name === 'save rows') && spans.every((span) => known.has(span.parentSpanId));
    };

  /** A trace from its first span on: `service name`, and below it what it has caused. */
  function treeOf(spans: readonly ReceivedSpan[], parent: string): object {
    const below = spans.filter(({ parentSpanId }) => parentSpanId === parent);
    return Object.fromEntries(below.map(({ service, name, spanId }) => [`${service}: ${name}`, treeOf(spans, spanId)]));
  }

  /** Likewise, where another instance owns the thread. */
  const routed = (command: string) => ({
    [`thread-command: send ${command}`]: { [`thread-command: process ${command}`]: projected(command) },
  });

  /** What comes of a command, from where it is written on. */
  const projected = (command: string) => ({
    [`thread-command: append ${command}`]: {
      [`thread-projector: project ${command}`]: { 'thread-projector: save rows': {} },
    },
  });

  it('shows one trace from the REST call through Envoy, command, NATS and projector to the rows in MySQL', async () => {
    const { traceId, spanId, traceparent } = newTrace('01');
    const accountId = newAccount();
    const body = { accountId, title: 't', administratorIds: [accountId], memberIds: [], createAt: 10_000 };
    const answer = await rest.post('/v1/threads/create', body, { traceparent, 'x-request-id': 'seen-inside' });
    assert.equal(answer.status, 200, answer.text);
    const spans = await receiver.trace(traceId, isWhole(spanId));
    const isRouted = spans.some(({ name }) => name === 'send CreateThread');
    assert.deepEqual(treeOf(spans, spanId), {
      'edge: edge POST': {
        'thread-command: threadweaver.legacy.thread.v1.ThreadRestCommandService/CreateThread': {
          // Creations go to any instance.
          'thread-command: CreateThread': isRouted ? routed('CreateThread') : projected('CreateThread'),
        },
      },
    });
    const call = spans.find(({ name }) => name.endsWith('/CreateThread'));
    assert.equal(call?.attributes['threadweaver.request_id'], 'seen-inside');
    assert.equal(spans.find(({ service }) => service === 'edge')?.attributes['url.path'], '/v1/threads/create');
  });

  it('shows the way of a command over NATS to the instance that owns its thread', async () => {
    const trees = await Promise.all(
      [mesh.ports.threadCommand, mesh.ports.threadCommand2].map(async (port) => {
        const file = 'threadweaver/thread/v1/thread_command_service.proto';
        const client = protoClient(file, 'threadweaver.thread.v1.ThreadCommandService', `127.0.0.1:${port}`);
        try {
          const { traceId, spanId, traceparent } = newTrace('01');
          const request = { account_id: thread.member, thread_id: thread.id, messages: [{ text: 'hello' }] };
          await client.call('AddMessages', request, { metadata: { traceparent } });
          return treeOf(await receiver.trace(traceId, isWhole(spanId)), spanId);
        } finally {
          client.close();
        }
      }),
    );
    const call = 'thread-command: threadweaver.thread.v1.ThreadCommandService/AddMessages';
    const [first, second] = trees.toSorted((a, b) => JSON.stringify(a).length - JSON.stringify(b).length);
    assert.deepEqual(first, { [call]: { 'thread-command: AddMessages': projected('AddMessages') } });
    assert.deepEqual(second, { [call]: { 'thread-command: AddMessages': routed('AddMessages') } });
  });

  it('records nothing of a trace of which its caller records nothing', async () => {
    const unseen = newTrace('00');
    const headers = { traceparent: unseen.traceparent };
    const post = (extra: Record<string, string>) =>
      rest.post(`/v1/threads/${thread.id}/messages/add`, { accountId: thread.member, messages: [{ toAccountIds: [], text: 'x' }], createAt: 10_000 }, extra); // prettier-ignore
    assert.equal((await post(headers)).status, 200);
    const seen = newTrace('01');
    await post({ traceparent: seen.traceparent });
    // It went the same way later.
    await receiver.trace(seen.traceId, isWhole(seen.spanId));
    assert.deepEqual(
      receiver.spans.filter(({ traceId }) => traceId === unseen.traceId),
      [],
    );
  });

  it('has Prometheus scrape every process, know the alerts and show a dashboard, on loopback', async function () {
    if (!isObserved) this.skip();
    const { url, pid } = mesh.process('prometheus');
    const ask = async <Data>(path: string): Promise<Data> => {
      const answer = await fetch(`${url}/api/v1/${path}`);
      return ((await answer.json()) as { data: Data }).data;
    };
    interface Target {
      readonly labels: { readonly instance: string };
      readonly health: string;
    }
    await eventually(async () => {
      const { activeTargets } = await ask<{ activeTargets: Target[] }>('targets');
      assert.deepEqual(
        activeTargets.map(({ labels, health }) => `${labels.instance} is ${health}`).toSorted(),
        [...metricsPorts.keys()].map((name) => `${name} is up`).toSorted(),
      );
    });
    const { groups } = await ask<{ groups: { rules: { name: string }[] }[] }>('rules');
    const alerts = (await readFile(join(projectRoot, 'mesh/telemetry/alerts.yaml'), 'utf8')).match(/alert: \w+/g);
    assert.deepEqual(
      groups.flatMap(({ rules }) => rules.map(({ name }) => `alert: ${name}`)),
      alerts,
    );

    const page = await (await fetch(`${url}${DASHBOARD_PATH}`)).text();
    for (const name of metricsPorts.keys()) assert.ok(page.includes(`<td>${name}</td>`), `${name} is not shown`);
    // What the page loads is there.
    for (const [, path] of page.matchAll(/(?:src|href)="(\/classic\/static\/[^"]+)"/g)) {
      assert.equal((await fetch(`${url}${path}`)).status, 200, path);
    }
    // What it asks Prometheus is understood.
    const queries = [...page.matchAll(/'([^'\n]*(?:threadweaver|grpc_server|process)_[^'\n]*)'/g)].map(
      ([, query]) => query,
    );
    assert.ok(queries.length > 10);
    for (const query of queries) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query ?? '')}`);
      assert.equal(answer.status, 200, query);
    }

    const listeners = listenersOf([pid]);
    assert.ok(listeners.length > 0);
    assert.ok(
      listeners.every(({ address }) => loopback.test(address)),
      JSON.stringify(listeners),
    );
  });

  it('lets no secret and no text into logs, traces and metrics', async () => {
    const secret = (name: string): string => `sentinel${name}${randomBytes(6).toString('hex')}`;
    const [title, text, token, query, email, search] = ['title', 'text', 'token', 'query', 'mail', 'search'].map(
      secret,
    );
    const trace = newTrace('01');
    const headers = { authorization: `Bearer ${token}`, traceparent: trace.traceparent, cookie: `session=${token}` };
    const path = `/v1/threads/${thread.id}`;
    const post = (to: string, body: object | string) => rest.post(`${to}?token=${query}`, body, headers);
    const message = { toAccountIds: [], text: `${text} ${email}@example.com` };
    const messages = { accountId: thread.member, createAt: 10_000 };
    const accountId = newAccount();
    const named = {
      accountId,
      administratorIds: [accountId],
      memberIds: [],
      createAt: 10_000,
      title,
      remarks: `${text}`,
    };
    await rest.post('/v1/threads/create', named, headers);
    assert.equal((await rest.post(`${path}/messages/add`, { ...messages, messages: [message] }, headers)).status, 200);
    // What is refused says why: not by repeating it.
    await post('/v1/threads/create', { ...named, title: title?.repeat(100) });
    await post('/v1/threads/create', { ...named, accountId: email, administratorIds: [text] });
    await post(`${path}/messages/add`, { ...messages, messages: [{ ...message, toAccountIds: [email] }] });
    await post(`${path}/messages/add`, { ...messages, messages: [{ ...message, text: text?.repeat(100) }] });
    await post(`${path}/messages/add`, `{"accountId": "${text}`);
    await post(`${path}/messages/add`, { ...messages, [text ?? '']: email });
    await rest.get(`${path}/messages?account_id=${thread.member}&token=${query}&limit=${search}`);
    await rest.get(`/v1/threads/${thread.id}/events?account_id=${email}&access_token=${query}`);
    const files = 'threadweaver/thread/v1/thread_query_service.proto';
    const client = protoClient(files, 'threadweaver.thread.v1.ThreadQueryService', mesh.url.slice('http://'.length));
    const metadata = { authorization: `Bearer ${token}`, traceparent: trace.traceparent };
    await client.call('SearchMessages', { account_id: thread.member, query: search }, { metadata });
    const refused = client.call('SearchMessages', { account_id: email, query: search, page_token: text }, { metadata });
    await refused.catch(() => undefined);
    client.close();

    await receiver.trace(
      trace.traceId,
      (spans) => isWhole(trace.spanId)(spans) && spans.some(({ name }) => name.includes('Search')),
    );
    // Envoy writes its log every second.
    const folder = join(mesh.dataDir, 'logs');
    await eventually(async () =>
      assert.ok((await readFile(join(folder, 'envoy.log'), 'utf8')).includes('SearchMessages')),
    );
    const shown = new Map<string, string>();
    for (const name of await readdir(folder)) shown.set(name, await readFile(join(folder, name), 'utf8'));
    for (const [name, port] of metricsPorts) {
      if (port > 0) shown.set(`metrics of ${name}`, (await scrape(port)).text);
    }
    shown.set('stats of Envoy', await (await askEnvoyAdmin('GET', adminSocketOf(mesh.dataDir), '/stats')).text());
    shown.set('traces', Buffer.concat(receiver.bodies).toString('latin1'));
    assert.ok(shown.size > 15 && [...shown.values()].every((content) => content !== undefined));
    for (const [where, content] of shown) {
      for (const line of content.split('\n')) {
        for (const value of [title, text, token, query, email, search]) {
          assert.ok(!line.includes(value ?? ''), `${where} says ${String(value)}: ${line.slice(0, 1_000)}`);
        }
      }
    }
  });
});
