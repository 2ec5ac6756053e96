import { status } from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutPolicy } from './check-routing.js';
import type { Report } from './report.js';
import { callRest, callRpc, eventually, rpc, threadId, times } from './traffic.js';
import type { Resource, World } from './world.js';

/** Time-outs, retries, circuit breakers, ejection. */
export async function checkResilience(world: World, report: Report): Promise<void> {
  await checkTimeouts(world, report);
  await checkRetries(world, report);
  await checkBreaker(world, report);
  await checkEjection(world, report);
  await checkAccessLog(world, report);
}

async function checkTimeouts(world: World, report: Report): Promise<void> {
  for (const services of [...world.commands, world.queries]) services.answer({ silence: true });
  const started = Date.now();
  const [command, watch, rest] = await Promise.all([
    callRpc(world.edge, rpc.add, { deadlineMs: 40_000 }).then((outcome) => ({
      ...outcome,
      after: Date.now() - started,
    })),
    // Its own deadline ends it, here or, as Envoy reads it too, there.
    callRpc(world.edge, rpc.watch, { deadlineMs: 18_000 }).then((outcome) => ({
      ...outcome,
      after: Date.now() - started,
    })),
    callRest(`http://${world.edge}/v1/threads`),
  ]);
  const { text } = rest;
  report.check(
    'time-out: a silent command ends after 15 s with DEADLINE_EXCEEDED',
    command.code === status.DEADLINE_EXCEEDED && command.after > 14_000 && command.after < 18_000,
    `${status[command.code]} ${command.details} after ${command.after} ms`,
  );
  // The gateway and the service's sidecar have the same deadline: either may be the one that says so.
  report.check(
    'time-out: and a silent REST query with 504 in the older shape, in our words',
    rest.status === 504 && text.trim() === '{"error_messages":["time-out"]}',
    `${rest.status} ${text} ${JSON.stringify(rest.headers)}`,
  );
  report.check(
    'control: a watch, which has no time-out, stays open until its client gives up (18 s)',
    watch.after >= 17_900,
    `${status[watch.code]} ${watch.details} after ${watch.after} ms`,
  );
  world.reset();
}

async function checkRetries(world: World, report: Report): Promise<void> {
  const failures = async () => {
    const failed: string[] = [];
    await times(30, async (index) => {
      // By their hash, half of them go to the failing instance first.
      const { code, details } = await callRpc(world.edge, rpc.add, { metadata: { 'x-thread-id': threadId(index) } });
      if (code !== status.OK) failed.push(`${status[code]} ${details}`);
    });
    return failed;
  };
  world.reset();
  world.commands[0].answer({ status: { code: status.UNAVAILABLE, details: 'going' } });
  const retried = await failures();
  report.check('retries: one instance says UNAVAILABLE, no client hears it', retried.length === 0, retried.join());
  const retrying = (change: (retries: object) => object) => (resource: Resource) => {
    const routes = resource.spec.http as { retries?: object }[];
    const http = routes.map((route) => (route.retries ? { ...route, retries: change(route.retries) } : route));
    return { ...resource, spec: { ...resource.spec, http } };
  };
  // Istio retries by itself where nothing is said.
  const controls = [
    ['without retries', () => ({ attempts: 0 })],
    ['when they may go to the same instance', (retries: object) => ({ ...retries, retryIgnorePreviousHosts: false })],
  ] as const;
  for (const [what, change] of controls) {
    await world.with('VirtualService', 'edge-grpc', retrying(change), async () => {
      const heard = await eventually(async () => (await failures()).length > 0);
      report.check(`control: ${what}, clients hear it`, heard);
    });
  }
  world.reset();
}

async function checkBreaker(world: World, report: Report): Promise<void> {
  const limited = (limit: number) => (rule: Resource) => {
    const policy = rule.spec.trafficPolicy as { connectionPool: { tcp: object; http: object } };
    const connectionPool = {
      ...policy.connectionPool,
      http: { ...policy.connectionPool.http, http2MaxRequests: limit },
    };
    return { ...rule, spec: { ...rule.spec, trafficPolicy: { ...policy, connectionPool } } };
  };
  // While one call hangs, may there be another?
  const second = async () => {
    world.commands.forEach((services) => services.answer({ silence: true }));
    const first = callRpc(world.edge, rpc.create, { deadlineMs: 1_500 });
    await eventually(async () => world.commandCalls.some((calls) => calls > 0), 1_000);
    world.commands.forEach((services) => services.answer({ response: {} }));
    const outcome = await callRpc(world.edge, rpc.create, { deadlineMs: 1_000 });
    await first;
    return outcome;
  };
  const free = await second();
  report.check('control: below the limit of calls in flight, another is taken', free.code === status.OK, free.details);
  await world.with('DestinationRule', 'thread-command', limited(1), async () => {
    const broken = await eventually(async () => {
      // Whose words it is refused in, mesh/envoy's tests look at.
      const { code } = await second();
      return code === status.UNAVAILABLE;
    });
    report.check('circuit breaker: above the limit (set to 1), it is refused at once', broken);
  });
  world.reset();
}

async function checkEjection(world: World, report: Report): Promise<void> {
  const drive = () =>
    times(40, (index) => callRpc(world.edge, rpc.add, { metadata: { 'x-thread-id': threadId(index) } }));
  await world.setCommandPods([...world.commandPods, world.deadPod]);
  const ejected = await eventually(async () => {
    await drive();
    return (await deadHost(world)).ejected;
  }, 20_000);
  report.check(
    'ejection: an instance that refuses connections is ejected',
    ejected,
    JSON.stringify(await deadHost(world)),
  );
  await world.with('DestinationRule', 'thread-command', withoutPolicy('outlierDetection'), async () => {
    // The changed cluster starts its counts anew.
    await eventually(async () => !(await deadHost(world)).ejected);
    let seen = false;
    for (let round = 0; round < 5; round += 1) {
      await drive();
      seen ||= (await deadHost(world)).ejected;
      await sleep(500);
    }
    const { failures } = await deadHost(world);
    report.check('control: without outlierDetection it never is', !seen && failures > 10, `${failures} failures`);
  });
  await world.setCommandPods(world.commandPods);
}

// Envoy writes its access log every 10 s at the latest.
async function checkAccessLog(world: World, report: Report): Promise<void> {
  const before = await world.gateway.accessLog();
  await callRpc(world.edge, rpc.getThread, { metadata: { 'x-request-id': 'to-be-logged' } });
  const written = await eventually(async () => (await world.gateway.accessLog()).includes('to-be-logged'));
  report.check('access log: the gateway logs a call with its request id', written && !before.includes('to-be-logged'));
  const off = { accessLogging: [{ disabled: true }] };
  await world.with(
    'Telemetry',
    'default',
    (resource) => ({ ...resource, spec: off }),
    async () => {
      // Its configuration says when the change has come; then nothing is written any more.
      await eventually(async () => !(await world.gateway.admin('/config_dump')).includes('./access.log'));
      await callRpc(world.edge, rpc.getThread, { metadata: { 'x-request-id': 'not-to-be-logged' } });
      await sleep(11_000);
      report.check(
        'control: without logging, it does not',
        !(await world.gateway.accessLog()).includes('not-to-be-logged'),
      );
    },
  );
}

/** What the gateway's Envoy thinks of the instance that nobody serves. */
async function deadHost(world: World): Promise<{ ejected: boolean; failures: number }> {
  interface Host {
    readonly address: { readonly socket_address: { readonly address: string } };
    readonly stats: readonly { readonly name: string; readonly value?: string }[];
    readonly health_status: { readonly failed_outlier_check?: boolean };
  }
  const { cluster_statuses: clusters } = JSON.parse(await world.gateway.admin('/clusters?format=json')) as {
    cluster_statuses: readonly { readonly name: string; readonly host_statuses?: readonly Host[] }[];
  };
  const host = clusters
    .filter(({ name }) => name.startsWith('outbound|50051||thread-command.'))
    .flatMap(({ host_statuses: hosts = [] }) => hosts)
    .find(({ address }) => address.socket_address.address === world.deadPod.ip);
  return {
    ejected: host?.health_status.failed_outlier_check ?? false,
    failures: Number(host?.stats.find(({ name }) => name === 'cx_connect_fail')?.value ?? 0),
  };
}
