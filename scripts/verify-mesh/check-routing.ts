import { status } from '@grpc/grpc-js';
import type { Report } from './report.js';
import { callRest, callRpc, eventually, type RestAnswer, rpc, threadId, times } from './traffic.js';
import { resourcesOf, type Resource, type World } from './world.js';

const THREAD = threadId(1);

/** Transcoding, the routes, the instance that a thread's calls go to, and the canary's share. */
export async function checkRouting(world: World, report: Report): Promise<void> {
  await checkTranscoding(world, report);
  await checkRoutes(world, report);
  await checkAffinity(world, report);
  await checkCanary(world, report);
}

async function checkTranscoding(world: World, report: Report): Promise<void> {
  const url = `http://${world.edge}`;
  world.reset();
  const found = await callRest(`${url}/v1/threads/${THREAD}?account_id=${THREAD}`);
  const reached = world.queries.calls.at(-1);
  report.check(
    'REST: a query becomes a gRPC call of thread-query, its answer JSON',
    found.status === 200 &&
      reached?.path === '/threadweaver.legacy.thread.v1.ThreadRestQueryService/GetThread' &&
      reached.request.threadId === THREAD &&
      JSON.parse(found.text) !== undefined,
    `${found.status} ${found.text} ${JSON.stringify(reached)}`,
  );
  const posted = await callRest(`${url}/v1/threads/${THREAD}/destroy`, json('{}'));
  const commands = world.commands.flatMap(({ calls }) => calls.map(({ path }) => path));
  report.check(
    'REST: a command becomes a gRPC call of thread-command',
    posted.status === 200 && commands.includes('/threadweaver.legacy.thread.v1.ThreadRestCommandService/DestroyThread'),
    `${posted.status} ${posted.text} ${commands.join()}`,
  );
  world.queries.answer({ status: { code: status.NOT_FOUND, details: 'no "thread"\nof that id' } });
  const answers: [string, RestAnswer, number, string | undefined][] = [
    ["a service's error", await callRest(`${url}/v1/threads/${THREAD}`), 404, '["no \\"thread\\"","of that id"]'],
    ['an unknown path', await callRest(`${url}/v2`), 404, '["path is not found"]'],
    [
      'a slash too much',
      await callRest(`${url}/v1/threads/create/`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'text/plain' },
      }),
      404,
      '["path is not found"]',
    ],
    ['a wrong method', await callRest(`${url}/v1/threads/create`, { method: 'PUT' }), 405, '["method is not allowed"]'],
    ['malformed JSON', await callRest(`${url}/v1/threads/create`, json('{"')), 400, undefined],
    [
      'a body that is too large',
      await callRest(`${url}/v1/threads/create`, json(`"${'x'.repeat(5_000_000)}"`)),
      413,
      undefined,
    ],
    [
      'a body that is no JSON',
      await callRest(`${url}/v1/threads/create`, {
        method: 'POST',
        body: 'x',
        headers: { 'content-type': 'text/plain' },
      }),
      415,
      '["content-type: must be application/json"]',
    ],
  ];
  for (const [what, response, code, messages] of answers) {
    const { text } = response;
    const shaped =
      messages === undefined ? /^\{"error_messages":\["/.test(text) : text.trim() === `{"error_messages":${messages}}`;
    report.check(
      `REST: ${what} is ${code} in the older shape`,
      response.status === code && shaped,
      `${response.status} ${text}`,
    );
  }
  world.reset();
  const preflight = await callRest(`${url}/v1/threads/create`, {
    method: 'OPTIONS',
    headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' },
  });
  const allowed = preflight.headers['access-control-allow-origin'];
  report.check('CORS: a page of localhost may call', allowed === 'http://localhost:3000', String(allowed));
  await world.with(
    'EnvoyFilter',
    'edge-filters',
    () => undefined,
    async () => {
      const gone = await eventually(async () => (await callRest(`${url}/v1/threads/${THREAD}`)).status !== 200);
      report.check('control: without the EnvoyFilter, REST is not understood', gone);
    },
  );
  const back = await eventually(async () => (await callRest(`${url}/v1/threads/${THREAD}`)).status === 200);
  report.check('REST works again with it', back);
}

async function checkRoutes(world: World, report: Report): Promise<void> {
  world.reset();
  const outcome = await callRpc(world.edge, rpc.getThread);
  report.check('gRPC: queries reach thread-query', world.queries.calls.at(-1)?.path === rpc.getThread, outcome.details);
  const add = await callRpc(world.edge, rpc.add, { metadata: { 'x-thread-id': THREAD } });
  report.check(
    'gRPC: commands reach thread-command',
    world.commandCalls[0]! + world.commandCalls[1]! === 1,
    add.details,
  );
  const health = await callRpc(world.edge, rpc.health);
  report.check('gRPC: health is answered', health.code === status.OK, health.details);
  const name = 'thread.ThreadQueryService';
  world.queries.sayServing(name);
  const request = Buffer.concat([Buffer.from([10, name.length]), Buffer.from(name)]);
  const ofQuery = await callRpc(world.edge, rpc.health, { request });
  report.check("gRPC: a query service's health is asked of thread-query", ofQuery.code === status.OK, ofQuery.details);
  const unknown = await callRpc(world.edge, '/nobody.Service/Call');
  report.check('control: a method that no route has reaches nobody', unknown.code !== status.OK, unknown.details);
}

async function checkAffinity(world: World, report: Report): Promise<void> {
  const sameThread = () => times(24, () => callRpc(world.edge, rpc.add, { metadata: { 'x-thread-id': THREAD } }));
  const bothServe = () => world.commandCalls.every((calls) => calls > 0);
  world.reset();
  await sameThread();
  report.check('hash: one thread, one instance', world.commandCalls.includes(24), world.commandCalls.join());
  world.reset();
  await times(24, () => callRest(`http://${world.edge}/v1/threads/${THREAD}/destroy`, json('{}')));
  report.check('hash: the same for REST, by the path', world.commandCalls.includes(24), world.commandCalls.join());
  world.reset();
  await times(40, (index) => callRpc(world.edge, rpc.add, { metadata: { 'x-thread-id': threadId(index) } }));
  report.check('hash: 40 threads, both instances', bothServe(), world.commandCalls.join());
  world.reset();
  await times(40, () => callRest(`http://${world.edge}/v1/threads/create`, json('{}')));
  report.check('hash: creates of REST go to both instances', bothServe(), world.commandCalls.join());
  await world.with('DestinationRule', 'thread-command', withoutPolicy('loadBalancer'), async () => {
    const spread = await eventually(async () => {
      world.reset();
      await sameThread();
      return bothServe();
    });
    report.check(
      'control: without consistentHash, one thread goes to both instances',
      spread,
      world.commandCalls.join(),
    );
  });
}

// Pod thread-command-2 bears the label `version: canary`.
async function checkCanary(world: World, report: Report): Promise<void> {
  const canary = await resourcesOf('scripts/verify-mesh/fixtures/canary');
  const changed = (kind: string, name: string) => () =>
    canary.find((resource) => resource.kind === kind && resource.metadata.name === name);
  const share = async () => {
    world.reset();
    await times(300, () => callRpc(world.edge, rpc.create));
    return (world.commandCalls[1] ?? 0) / 300;
  };
  const before = await share();
  report.check(
    'control: without the component, both versions get about half',
    before > 0.35 && before < 0.65,
    String(before),
  );
  await world.with('DestinationRule', 'thread-command', changed('DestinationRule', 'thread-command'), async () => {
    await world.with('DestinationRule', 'thread-query', changed('DestinationRule', 'thread-query'), async () => {
      await world.with('VirtualService', 'edge-grpc', changed('VirtualService', 'edge-grpc'), async () => {
        let seen = 0;
        const tenth = await eventually(async () => {
          seen = await share();
          return seen > 0.04 && seen < 0.18;
        });
        report.check('canary: the new version gets about a tenth', tenth, String(seen));
      });
    });
  });
}

/** A change that takes one setting out of a DestinationRule's policy. */
export function withoutPolicy(setting: string): (rule: Resource) => Resource {
  return (rule) => {
    const { [setting]: _removed, ...policy } = rule.spec.trafficPolicy as Record<string, unknown>;
    return { ...rule, spec: { ...rule.spec, trafficPolicy: policy } };
  };
}

function json(body: string) {
  return { method: 'POST', body, headers: { 'content-type': 'application/json' } };
}
