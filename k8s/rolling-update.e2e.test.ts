import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ulid } from 'ulid';
import { checkGrpcHealth } from '../mesh/local/grpc-health.js';
import { ADMIN_PORT } from './render-envoy.js';
import { type ServiceName, services } from '../mesh/services.js';
import { startEnvoy, type TestEnvoy } from '../mesh/envoy/testing/start-envoy.js';
import { migrateDatabase } from '../platform/mysql/migrate-database.js';
import { type ProtoClient, protoClient } from '../platform/testing/proto-client.js';
import {
  freePort,
  freshDatabaseUrl,
  type RunningServer,
  startNatsServer,
  waitUntilHealthy,
} from '../mesh/servers/index.js';
import { type ServiceProcess, startServiceProcess } from '../platform/testing/service-process.js';
import { migrations } from '../services/thread/projector/migrations/index.js';
import { type Container, Overlay } from './testing/manifests.js';

const WRITERS = 8;

/** What the manifests say of a Deployment's rolling update. */
interface RollingUpdate {
  readonly minReadySeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly container: Container;
}

function rollingUpdateOf(overlay: Overlay, name: string): RollingUpdate {
  const { spec } = overlay.get('Deployment', name);
  assert.deepEqual(spec.strategy.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 });
  const container = spec.template.spec.containers[0] as Container;
  return {
    minReadySeconds: (spec.minReadySeconds as number | undefined) ?? 0,
    environment: Object.fromEntries(
      // What comes from Secrets is the test's own, and so is who comes to NATS.
      (container.env ?? []).flatMap(({ name: variable, value }) =>
        value === undefined || variable === 'NATS_USER' ? [] : [[variable, value]],
      ),
    ),
    container,
  };
}

/** Clients of one edge. */
interface Edge {
  readonly commands: ProtoClient;
  readonly queries: ProtoClient;
}

/** Writers that post to a thread of their own each and read it, through whichever edge takes calls, and never repeat a call. */
class Load {
  readonly failures: string[] = [];
  calls = 0;
  #isRunning = true;
  readonly #loops: Promise<void>[];

  constructor(private readonly edge: () => Edge) {
    this.#loops = Array.from({ length: WRITERS }, (_, writer) => this.#loop(writer));
  }

  async untilAnswered(count: number): Promise<void> {
    const goal = this.calls + count;
    await waitUntilHealthy('the load', async () => {
      // Without a message, `assert.ok` reads and parses this file each time.
      assert.ok(this.calls >= goal || this.failures.length > 0, `${this.calls} of ${goal} calls`);
    });
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
          threadId = String((await this.edge().commands.call('CreateThread', creation)).thread_id);
          version = 1;
        }
        const call = { account_id, thread_id: threadId, messages: [{ text: 'hi' }] };
        // Half of them name the thread, as careful clients do, so that Envoy finds its owner.
        const metadata = writer % 2 === 0 ? { 'x-thread-id': threadId } : undefined;
        const answer = await this.edge().commands.call('AddMessages', call, { metadata });
        version += 1;
        // Nobody else writes there: nothing was lost, and nothing carried out twice.
        assert.equal(answer.version, String(version));
        if (version % 4 === 0) {
          // The projector has brought it, whoever owns its partition by now.
          const query = { account_id, thread_id: threadId, min_version: String(version) };
          const { thread } = await this.edge().queries.call('GetThread', query);
          assert.equal((thread as { version: string }).version, String(version));
        }
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
  let databaseUrl: string;
  let overlay: Overlay;
  const envoys: TestEnvoy[] = [];
  const edges: Edge[] = [];
  const running = new Set<ServiceProcess>();

  before(async () => {
    [nats, databaseUrl, overlay] = await Promise.all([startNatsServer(), freshDatabaseUrl(), Overlay.render('eks')]);
    await migrateDatabase({ url: databaseUrl, migrations, report: () => undefined });
  });

  after(async () => {
    for (const client of edges.flatMap(({ commands, queries }) => [commands, queries])) client.close();
    for (const service of running) {
      service.kill('SIGKILL');
      await service.exited;
    }
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await nats.stop();
  });

  /** Starts instances of a service, and replaces each by a new one as its Deployment would. */
  class Rollout {
    readonly #update: RollingUpdate;
    readonly #old: ServiceProcess[] = [];

    private constructor(
      private readonly name: ServiceName,
      private readonly ports: number[],
    ) {
      this.#update = rollingUpdateOf(overlay, name);
    }

    static async begin(name: ServiceName, instances: number): Promise<Rollout> {
      const rollout = new Rollout(name, await Promise.all(Array.from({ length: 2 * instances }, () => freePort())));
      for (const port of rollout.ports.slice(0, instances)) rollout.#old.push(await rollout.#start(port));
      return rollout;
    }

    /** Those of old and new instances alike. */
    get addresses(): { host: string; port: number }[] {
      return this.ports.map((port) => ({ host: '127.0.0.1', port }));
    }

    async replaceAll(): Promise<void> {
      for (const [index, service] of this.#old.entries()) {
        await this.#start(this.ports[this.#old.length + index] ?? assert.fail());
        await delay(this.#update.minReadySeconds * 1_000);
        await this.#terminate(service);
      }
    }

    async #start(port: number): Promise<ServiceProcess> {
      const service = await startServiceProcess(`${services[this.name].main}.ts`, {
        ...this.#update.environment,
        NATS_URL: nats.url,
        MYSQL_URL: databaseUrl,
        LOG_LEVEL: 'info',
        GRPC_PORT: String(port),
        // A pod has an address of its own; here the second one would find the port taken.
        ADMIN_PORT: '0',
      });
      running.add(service);
      // As the readiness probe.
      await waitUntilHealthy(service.address, () => checkGrpcHealth(service.address));
      return service;
    }

    /** What kubelet does to a pod that goes. */
    async #terminate(service: ServiceProcess): Promise<void> {
      const { container } = this.#update;
      await delay(((container.lifecycle?.preStop.sleep.seconds as number | undefined) ?? 0) * 1_000);
      service.kill('SIGTERM');
      assert.equal(await service.exited, 0);
      running.delete(service);
    }
  }

  it('loses no call: every service and one of two Envoys replaced under load', async () => {
    const threadCommand = await Rollout.begin('thread-command', 2);
    const threadQuery = await Rollout.begin('thread-query', 2);
    const threadProjector = await Rollout.begin('thread-projector', 2);
    const ofThreads = { 'thread-command': threadCommand.addresses, 'thread-query': threadQuery.addresses };
    const upstreams = { ...ofThreads, account: [] };
    for (let count = 0; count < 2; count += 1) {
      const envoy = await startEnvoy(0, { upstreams });
      envoys.push(envoy);
      for (const cluster of Object.keys(ofThreads)) {
        const healthy = async () => assert.equal(await envoy.stat(`cluster.${cluster}.membership_healthy`), 2);
        await waitUntilHealthy('its upstreams', healthy);
      }
      const client = (file: string, service: string): ProtoClient =>
        protoClient(`threadweaver/thread/v1/${file}.proto`, `threadweaver.thread.v1.${service}`, envoy.authority);
      edges.push({
        commands: client('thread_command_service', 'ThreadCommandService'),
        queries: client('thread_query_service', 'ThreadQueryService'),
      });
    }
    const [leaving, staying] = envoys as [TestEnvoy, TestEnvoy];
    const balancer = new Balancer(leaving, edges);
    // A first call compiles much, and might take longer than its deadline.
    for (const { commands } of edges) {
      const account_id = ulid();
      const creation = { account_id, title: 'first', administrator_ids: [account_id] };
      await waitUntilHealthy('the edge', () => commands.call('CreateThread', creation).then(() => undefined));
    }
    const load = new Load(() => balancer.choose());
    try {
      await load.untilAnswered(50);
      const envoyGone = terminateEnvoy(leaving, rollingUpdateOf(overlay, 'envoy'));
      await Promise.all([threadCommand.replaceAll(), threadQuery.replaceAll(), threadProjector.replaceAll()]);
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
    assert.equal(await staying.stat('cluster.thread-query.upstream_rq_retry'), 0);
  });
});

/** A balancer before two Envoys, which asks one of them every 5 s, and gives it up for good after two refusals. */
class Balancer {
  #refusals = 0;
  #turn = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(
    checked: TestEnvoy,
    private readonly edges: readonly Edge[],
  ) {
    this.#timer = setInterval(() => {
      fetch(`${checked.url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
        ({ ok }) => (this.#refusals += ok ? 0 : 1),
        () => (this.#refusals += 1),
      );
    }, 5_000);
  }

  choose(): Edge {
    const left = this.#refusals < 2 ? this.edges : this.edges.slice(1);
    this.#turn += 1;
    return left[this.#turn % left.length] ?? assert.fail();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Runs the very command of preStop, but for the admin port, then ends Envoy. */
async function terminateEnvoy(envoy: TestEnvoy, { container }: RollingUpdate): Promise<void> {
  const [shell, ...args] = container.lifecycle?.preStop.exec.command as [string, ...string[]];
  const adminPort = `/127.0.0.1/${ADMIN_PORT}`;
  const script = args.map((arg) => arg.replace(adminPort, `/127.0.0.1/${envoy.settings.adminPort}`));
  assert.notDeepEqual(script, args);
  await promisify(execFile)(shell, script);
  await envoy.stop();
}
