import { setTimeout as delay } from 'node:timers/promises';
import { Server, ServerCredentials, type ConnectionInjector } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { doneWithin } from '../process/done-within.js';
import type { AccessControl } from './access-control.js';
import { BoundedListener } from './bounded-listener.js';
import { ClientLimits, type CallLimits } from './call-limits.js';
import { loadFileDescriptors } from './descriptor-set.js';
import { guardService, servicesAddedBy } from './library-service.js';
import { bindReflection } from './reflection.js';
import type { BoundService } from './unary-service.js';

export interface GrpcServerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly services: readonly BoundService[];
  /** Largest request in bytes. @default 4 MiB */
  readonly maxRequestBytes?: number;
  /**
   * How long calls on a connection may go on after it has got too old, in milliseconds; Infinity suits streams, which
   * then end when they end. @default 30000
   */
  readonly connectionGraceMs?: number;
  readonly limits?: ServerLimits;
  /** Who may call what. @default everybody everything */
  readonly access?: AccessControl | undefined;
}

/** What clients may have of a server. Each has a default, and docs/limits.md says why that. */
export interface ServerLimits extends CallLimits {
  /** Connections at once. @default 5000 */
  readonly maxConnections?: number;
  /** Connections of one peer at once; all of Envoy's count as one peer's. @default 2000 */
  readonly maxConnectionsPerPeer?: number;
  /** A connection without a call is closed after so long, in milliseconds. @default 300000 */
  readonly connectionIdleMs?: number;
}

/**
 * The health service's name for the process itself: SERVING as long as it can answer. Who finds it otherwise may restart
 * the process, which the health of the services is no reason for: that tells whether calls should come here.
 */
export const LIVENESS = 'liveness';

/** A gRPC server with health and reflection. INITIALIZED → RUNNING → DRAINING → STOPPED. */
export class GrpcServer {
  #state: 'INITIALIZED' | 'RUNNING' | 'DRAINING' | 'STOPPED' = 'INITIALIZED';
  #port = 0;
  readonly #server: Server;
  readonly #limits: ClientLimits;
  readonly #connections: ConnectionInjector;
  readonly #listener: BoundedListener;
  readonly #health: HealthImplementation;
  readonly #serviceNames: readonly string[];

  constructor(options: GrpcServerOptions) {
    const { connectionGraceMs = 30_000, limits = {} } = options;
    const { maxConnections = 5_000, maxConnectionsPerPeer = 2_000, connectionIdleMs = 300_000, ...calls } = limits;
    this.#limits = new ClientLimits(calls);
    this.#server = new Server({
      'grpc.max_receive_message_length': options.maxRequestBytes ?? 4 * 1024 * 1024,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': 1_000,
      // Counts each call and message for a debugging service that is not served here.
      'grpc.enable_channelz': 0,
      // Old connections move on, so that load spreads over new instances.
      'grpc.max_connection_age_ms': 30 * 60_000,
      ...(connectionGraceMs !== Infinity && { 'grpc.max_connection_age_grace_ms': connectionGraceMs }),
      'grpc.max_connection_idle_ms': connectionIdleMs,
      // The first one sees a call first.
      interceptors: [this.#limits.interceptor, ...(options.access === undefined ? [] : [options.access.interceptor])],
    });
    this.#connections = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = new BoundedListener({
      host: options.host,
      port: options.port,
      maxConnections,
      maxConnectionsPerPeer,
      onConnection: (socket) => this.#connections.injectConnection(socket),
    });
    // A service's streams are bound apart from its unary methods.
    this.#serviceNames = [...new Set(options.services.map(({ definition }) => serviceName(definition)))];
    this.#health = new HealthImplementation({});
    this.setServing(false);
    this.#health.setStatus(LIVENESS, 'SERVING');
    for (const service of options.services) this.#server.addService(service.definition, service.implementation);
    const reflected = [...this.#serviceNames, 'grpc.health.v1.Health'];
    const ofLibraries = [
      ...servicesAddedBy((server) => this.#health.addToServer(server)),
      ...bindReflection(loadFileDescriptors(), reflected),
    ];
    const guarded = ofLibraries.map(guardService);
    for (const service of guarded) this.#server.addService(service.definition, service.implementation);
    const all = [...options.services, ...guarded];
    options.access?.requireRules(all.flatMap(({ definition }) => Object.values(definition).map(({ path }) => path)));
  }

  get state(): string {
    return this.#state;
  }

  /** The port that it listens on, once started. */
  get port(): number {
    return this.#port;
  }

  /**
   * Listens and says SERVING.
   * @throws Fault kind `unavailable` when the port is taken
   */
  async start(): Promise<void> {
    this.#port = await this.#listener.listen();
    this.#state = 'RUNNING';
    this.setServing(true);
  }

  /** Health of the process and of each of its services, as load balancers see it. */
  setServing(serving: boolean): void {
    for (const name of ['', ...this.#serviceNames]) {
      this.#health.setStatus(name, serving && this.#state === 'RUNNING' ? 'SERVING' : 'NOT_SERVING');
    }
  }

  /**
   * Says NOT_SERVING, gives balancers `noticeMs` to see it, then takes no new calls and waits for those in flight; after
   * `timeoutMs` those that are left are cut off. @returns whether all calls ended by themselves
   */
  async drain({ noticeMs, timeoutMs }: { noticeMs: number; timeoutMs: number }): Promise<boolean> {
    if (this.#state !== 'RUNNING') return true;
    this.#state = 'DRAINING';
    this.setServing(false);
    await delay(noticeMs);
    const shutDown = new Promise((resolve) => this.#server.tryShutdown(resolve));
    // Of connections that were injected, Node 24 tells the library before their last answers are on the wire.
    const drained = await doneWithin(timeoutMs, Promise.all([this.#listener.close(), shutDown]));
    if (!drained) this.#server.forceShutdown();
    this.#limits.stop();
    this.#state = 'STOPPED';
    return drained;
  }
}

function serviceName(definition: BoundService['definition']): string {
  const [method] = Object.values(definition);
  const name = method?.path.split('/')[1];
  if (name === undefined) throw new Error('a gRPC service needs a method');
  return name;
}
