import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CannedServices } from '../../mesh/envoy/testing/canned-services.js';
import { startIstiod, type ApiServer } from './control-plane.js';
import { announcePod, listenerOf, setEndpoints, startProxy, type Pod, type Proxy } from './proxies.js';
import { build } from './static.js';
import { callRest, eventually } from './traffic.js';

/** A resource as JSON. */
export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

const pod = (name: string, ip: string, app: string, version = 'stable'): Pod => ({
  name,
  ip,
  serviceAccount: app,
  labels: { 'app.kubernetes.io/name': app, pod: name, version },
});

/** A running mesh: istiod, the gateway, two instances of thread-command and one of thread-query with their sidecars. */
export class World {
  /** Where clients come in. */
  readonly edge = '10.77.1.1:8080';
  readonly commandPods = [
    pod('thread-command-1', '10.77.2.1', 'thread-command'),
    pod('thread-command-2', '10.77.2.2', 'thread-command', 'canary'),
  ] as const;
  /** Known to the API server only: whoever calls it is refused. */
  readonly deadPod = pod('thread-command-3', '10.77.2.3', 'thread-command');
  /** Behind it stands what greets like nats-server. */
  readonly natsPod = pod('nats-1', '10.77.5.1', 'nats');
  readonly queryPod = pod('thread-query-1', '10.77.3.1', 'thread-query');
  readonly #stops: (() => Promise<void> | void)[] = [];
  #resources: readonly Resource[] = [];

  private constructor(
    readonly api: ApiServer,
    /** What answers behind each instance of thread-command. */
    readonly commands: readonly [CannedServices, CannedServices],
    readonly queries: CannedServices,
  ) {}

  gateway!: Proxy;
  /** An instance of thread-command's proxy, for its identity. */
  command!: Proxy;
  /** A pod of the mesh that no policy names. */
  stranger!: Proxy;

  /** Applies the manifests and starts everything. `ready` waits for the first call that gets through. */
  static async start(api: ApiServer, folder: string): Promise<World> {
    const canned = [await CannedServices.start(), await CannedServices.start(), await CannedServices.start()] as const;
    const world = new World(api, [canned[0], canned[1]], canned[2]);
    world.#stops.push(...canned.map((services) => () => services.stop()));
    try {
      await world.#populate(folder);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
    this.#stops.length = 0;
  }

  /** Forgets what every instance was asked, and has all of them answer with an empty response. */
  reset(): void {
    for (const services of [...this.commands, this.queries]) services.answer({ response: {} });
  }

  /** How many calls each instance of thread-command got since `reset`. */
  get commandCalls(): readonly number[] {
    return this.commands.map(({ calls }) => calls.length);
  }

  /** Makes pods stand behind thread-command. */
  async setCommandPods(pods: readonly Pod[]): Promise<void> {
    await setEndpoints(this.api, 'thread-command', { name: 'grpc', number: 50051 }, pods);
  }

  /**
   * Changes or (with undefined) removes a resource, does something, and brings it back.
   * @throws Error when no manifest has it
   */
  async with(
    kind: string,
    name: string,
    change: (resource: Resource) => Resource | undefined,
    body: () => Promise<void>,
  ): Promise<void> {
    const original = this.#resources.find((other) => other.kind === kind && other.metadata.name === name);
    if (original === undefined) throw new Error(`no manifest has ${kind} ${name}`);
    const changed = change(structuredClone(original));
    const present = (resource: Resource) => this.#put(resource);
    if (changed === undefined) await this.api.kubectl(['delete', kind, name, '-n', 'threadweaver']);
    else await present(changed);
    try {
      await body();
    } finally {
      await present(original);
    }
  }

  /** Puts other versions in the place of resources, for as long as `body` takes. */
  async withAll(changed: readonly (Resource | undefined)[], body: () => Promise<void>): Promise<void> {
    const [first, ...others] = changed;
    if (changed.length === 0) return body();
    if (first === undefined) throw new Error('a manifest that was to be put in place is not there');
    await this.with(
      first.kind,
      first.metadata.name,
      () => first,
      () => this.withAll(others, body),
    );
  }

  /** Adds resources for as long as `body` takes. */
  async withAdded(resources: readonly Resource[], body: () => Promise<void>): Promise<void> {
    for (const resource of resources) await this.#put(resource);
    try {
      await body();
    } finally {
      for (const { kind, metadata } of resources) {
        await this.api.kubectl(['delete', kind, metadata.name, '-n', 'threadweaver', '--ignore-not-found']);
      }
    }
  }

  // `apply` would merge; what a change leaves out must be gone.
  async #put(resource: Resource): Promise<void> {
    const text = JSON.stringify(resource);
    const { code } = await this.api.tryKubectl(['replace', '-f', '-'], text);
    if (code !== 0) await this.api.kubectl(['create', '-f', '-'], text);
  }

  async #populate(folder: string): Promise<void> {
    const { api } = this;
    await mkdir(folder, { recursive: true });
    await api.kubectl(['create', 'namespace', 'istio-system']);
    this.#resources = await resourcesOf('scripts/verify-mesh/fixtures/plain');
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: this.#resources });
    await api.kubectl(['apply', '--server-side', '-f', '-'], list);
    const istiod = await startIstiod(join(folder, 'istiod'), api);
    this.#stops.push(() => istiod.stop());

    const gateway = pod('mesh-gateway-1', '10.77.1.1', 'mesh-gateway');
    const stranger = pod('stranger-1', '10.77.4.1', 'stranger');
    for (const each of [gateway, stranger, ...this.commandPods, this.deadPod, this.queryPod, this.natsPod])
      await announcePod(api, each);
    await this.setCommandPods(this.commandPods);
    await setEndpoints(api, 'thread-query', { name: 'grpc', number: 50052 }, [this.queryPod]);
    const nats = await startGreeter('INFO', 'PONG');
    this.#stops.push(nats.stop);
    const listeners = [
      listenerOf(this.commandPods[0], 50051, this.commands[0].port),
      listenerOf(this.commandPods[1], 50051, this.commands[1].port),
      listenerOf(this.queryPod, 50052, this.queries.port),
      listenerOf(stranger, 50099, 9),
      listenerOf(this.natsPod, 4222, nats.port, 'TCP'),
    ];
    for (const listener of listeners) await api.kubectl(['create', '-f', '-'], JSON.stringify(listener));

    const start = async (role: string, each: Pod) => {
      const proxy = await startProxy(api, folder, role, each);
      this.#stops.push(() => proxy.stop());
      return proxy;
    };
    this.gateway = await start('router', gateway);
    this.command = await start('sidecar', this.commandPods[0]);
    for (const each of [this.commandPods[1], this.queryPod, this.natsPod]) await start('sidecar', each);
    this.stranger = await start('sidecar', stranger);
    const ready = await eventually(
      async () => (await callRest(`http://${this.edge}/v1/threads`)).status === 200,
      30_000,
    );
    if (!ready) {
      const answer = await fetch(`http://${this.edge}/v1/threads`).then(
        async (response) => `${response.status} ${await response.text()}`,
        (error: Error) => error.message,
      );
      const dump = await this.gateway.admin('/config_dump?resource=dynamic_listeners&mask=name,error_state.details');
      throw new Error(`no call gets through the gateway: ${answer}\n${await this.gateway.admin('/listeners')}${dump}`);
    }
  }
}

/** The resources that kustomize makes of a folder, fit for stock Envoy. */
export async function resourcesOf(folder: string): Promise<Resource[]> {
  const resources = parseAllDocuments(await build(folder)).map((document) => document.toJS() as Resource);
  for (const { kind, spec } of resources) {
    // Istio's figures come from an extension that only its own build of Envoy has.
    if (kind === 'Telemetry') delete spec.metrics;
  }
  return resources;
}

/** A server that speaks first, and answers once. */
async function startGreeter(greeting: string, answer: string): Promise<{ port: number; stop: () => void }> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(greeting);
    socket.once('data', () => socket.end(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}
