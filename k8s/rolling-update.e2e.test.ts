import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ulid } from 'ulid';
import { checkGrpcHealth } from '../mesh/local/grpc-health.js';
import { portSettings } from '../mesh/local/mesh-settings.js';
import { startEnvoy, type TestEnvoy } from '../mesh/envoy/testing/start-envoy.js';
import { type ProtoClient, protoClient } from '../services/shared/testing/proto-client.js';
import {
  freePort,
  type RunningServer,
  startNatsServer,
  waitUntilHealthy,
} from '../services/shared/testing/servers/index.js';
import { type ServiceProcess, startServiceProcess } from '../services/shared/testing/service-process.js';
import { type Container, Overlay } from './testing/manifests.js';

const WRITERS = 8;

/** What the manifests say of a Deployment's rolling update. */
interface RollingUpdate {
  readonly minReadySeconds: number;
  readonly graceSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly container: Container;
}

function rollingUpdateOf(overlay: Overlay, name: string): RollingUpdate {
  const { spec } = overlay.get('Deployment', name);
  assert.deepEqual(spec.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  const container = spec.template.spec.containers[0] as Container;
  return {
    minReadySeconds: spec.minReadySeconds as number,
    graceSeconds: spec.template.spec.terminationGracePeriodSeconds as number,
    environment: Object.fromEntries((container.env ?? []).map(({ name: variable, value }) => [variable, value ?? ''])),
    container,
  };
}

/** Writers that post to a thread of their own each, through whichever edge takes calls, and never repeat a call. */
class Load {
  readonly failures: string[] = [];
  calls = 0;
  #isRunning = true;
  readonly #loops: Promise<void>[];

  constructor(private readonly edge: () => ProtoClient) {
    this.#loops = Array.from({ length: WRITERS }, (_, writer) => this.#loop(writer));
  }

  async untilAnswered(count: number): Promise<void> {
    const goal = this.calls + count;
    await waitUntilHealthy('the load', async () => assert.ok(this.calls >= goal || this.failures.length > 0));
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
  }

  async #loop(writer: number): Promise<void> {
    const account_id = ulid();
    let threadId: string | undefined;
    let version = 0;
    while (this.#isRunning) {
      try {
        // Now and then a new thread: those calls go to any instance.
        if (threadId === undefined || version % 50 === 0) {
          const creation = { account_id, title: 'a thread', administrator_ids: [account_id] };
          threadId = String((await this.edge().call('CreateThread', creation)).thread_id);
          version = 1;
        }
        const call = { account_id, thread_id: threadId, messages: [{ text: 'hi' }] };
        // Half of them name the thread, as careful clients do, so that Envoy finds its owner.
        const metadata = writer % 2 === 0 ? { 'x-thread-id': threadId } : undefined;
        const answer = await this.edge().call('AddMessages', call, { metadata });
        version += 1;
        // Nobody else writes there: nothing was lost, and nothing carried out twice.
        assert.equal(answer.version, String(version));
        this.calls += 1;
      } catch (error) {
        this.failures.push(String(error));
        // Whether it was carried out is not known: another thread, then.
        threadId = undefined;
      }
      await delay(25);
    }
  }
}

describe('A rolling update by the numbers of the manifests', function () {
  this.timeout(180_000);
  let nats: RunningServer;
  let overlay: Overlay;
  const envoys: TestEnvoy[] = [];
  const clients: ProtoClient[] = [];
  const running = new Set<ServiceProcess>();

  before(async () => {
    [nats, overlay] = await Promise.all([startNatsServer(), Overlay.render('eks')]);
  });

  after(async () => {
    for (const client of clients) client.close();
    for (const service of running) {
      service.kill('SIGKILL');
      await service.exited;
    }
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await nats.stop();
  });

  it('loses no call: two thread-command and one of two Envoys replaced under load', async () => {
    const { minReadySeconds, graceSeconds, environment, container } = rollingUpdateOf(overlay, 'thread-command');
    const ports = await Promise.all(Array.from({ length: 4 }, () => freePort()));
    const threadCommand = ports.map((port) => ({ host: '127.0.0.1', port }));
    const start = async (index: number): Promise<ServiceProcess> => {
      const service = await startServiceProcess('services/thread-command/main.ts', {
        ...environment,
        NATS_URL: nats.url,
        LOG_LEVEL: 'info',
        GRPC_PORT: String(ports[index]),
      });
      running.add(service);
      // As the readiness probe.
      await waitUntilHealthy(service.address, () => checkGrpcHealth(service.address));
      return service;
    };
    /** What kubelet does to a pod that goes. */
    const terminate = async (service: ServiceProcess): Promise<void> => {
      const before = Date.now();
      await delay((container.lifecycle?.preStop.sleep.seconds as number) * 1_000);
      service.kill('SIGTERM');
      assert.equal(await service.exited, 0);
      running.delete(service);
      assert.ok(Date.now() - before < graceSeconds * 1_000, 'kubelet would have killed it');
    };

    const old = await Promise.all([start(0), start(1)]);
    for (const settings of [{ threadCommand }, { threadCommand }]) {
      const envoy = await startEnvoy(ports[0] ?? 0, settings);
      envoys.push(envoy);
      const healthy = async () => assert.equal(await envoy.stat('cluster.thread-command.membership_healthy'), 2);
      await waitUntilHealthy('its upstreams', healthy);
      const service = 'threadweaver.thread.v1.ThreadCommandService';
      clients.push(protoClient('threadweaver/thread/v1/thread_command_service.proto', service, envoy.authority));
    }
    const [leaving, staying] = envoys as [TestEnvoy, TestEnvoy];
    const balancer = new Balancer(leaving, clients);
    const load = new Load(() => balancer.choose());
    try {
      await load.untilAnswered(50);
      const envoyGone = terminateEnvoy(leaving, rollingUpdateOf(overlay, 'envoy'));
      for (const [index, service] of old.entries()) {
        await start(2 + index);
        await delay(minReadySeconds * 1_000);
        await terminate(service);
      }
      await envoyGone;
      await load.untilAnswered(50);
    } finally {
      balancer.stop();
      await load.stop();
    }
    assert.deepEqual(load.failures, []);
    assert.ok(load.calls > 1_000, `only ${load.calls} calls`);
    // Envoy had heard in time that they would go: not even a repeat was needed.
    assert.equal(await staying.stat('cluster.thread-command.upstream_rq_retry'), 0);
  });
});

/** A balancer before two Envoys, which asks one of them every 5 s, and gives it up for good after two refusals. */
class Balancer {
  #refusals = 0;
  #turn = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(
    checked: TestEnvoy,
    private readonly clients: readonly ProtoClient[],
  ) {
    this.#timer = setInterval(() => {
      fetch(`${checked.url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
        ({ ok }) => (this.#refusals += ok ? 0 : 1),
        () => (this.#refusals += 1),
      );
    }, 5_000);
  }

  choose(): ProtoClient {
    const left = this.#refusals < 2 ? this.clients : this.clients.slice(1);
    this.#turn += 1;
    return left[this.#turn % left.length] ?? assert.fail();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Runs the very command of preStop, but for the admin port, then ends Envoy. */
async function terminateEnvoy(envoy: TestEnvoy, { container, graceSeconds }: RollingUpdate): Promise<void> {
  const before = Date.now();
  const [shell, ...args] = container.lifecycle?.preStop.exec.command as [string, ...string[]];
  const adminPort = `/127.0.0.1/${portSettings.envoyAdmin.port}`;
  const script = args.map((arg) => arg.replace(adminPort, `/127.0.0.1/${envoy.settings.adminPort}`));
  assert.notDeepEqual(script, args);
  await promisify(execFile)(shell, script);
  await envoy.stop();
  assert.ok(Date.now() - before < graceSeconds * 1_000, 'kubelet would have killed it');
}
