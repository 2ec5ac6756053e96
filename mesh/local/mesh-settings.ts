import { resolve } from 'node:path';
import { Environment } from '../../services/shared/adapters/environment.js';

/** Every port of the mesh. */
export interface MeshPorts {
  /** Envoy: everything. @default 8080 */
  readonly envoy: number;
  /** Envoy, as the older thread system's port. @default 18080 */
  readonly threads: number;
  /** Envoy, as the older messenger's port. @default 10000 */
  readonly messenger: number;
  /** Envoy, as the older booking system's port. @default 8088 */
  readonly booking: number;
  /** Envoy's admin page, on loopback. @default 9901 */
  readonly envoyAdmin: number;
  /** @default 50051 */
  readonly threadCommand: number;
  /** @default 50052 */
  readonly threadQuery: number;
  /** Health only. @default 50053 */
  readonly threadProjector: number;
  /** @default 4222 */
  readonly nats: number;
  /** @default 3306 */
  readonly mySql: number;
}

/** A port's default, the variable that sets it, and what it is for. */
export const portSettings: Readonly<Record<keyof MeshPorts, { variable: string; port: number; purpose: string }>> = {
  envoy: { variable: 'ENVOY_PORT', port: 8080, purpose: 'Envoy' },
  threads: { variable: 'THREADS_PORT', port: 18080, purpose: "Envoy (the older thread system's port)" },
  messenger: { variable: 'MESSENGER_PORT', port: 10000, purpose: "Envoy (the older messenger's port)" },
  booking: { variable: 'BOOKING_PORT', port: 8088, purpose: "Envoy (the older booking system's port)" },
  envoyAdmin: { variable: 'ENVOY_ADMIN_PORT', port: 9901, purpose: "Envoy's admin page" },
  threadCommand: { variable: 'THREAD_COMMAND_PORT', port: 50051, purpose: 'thread-command' },
  threadQuery: { variable: 'THREAD_QUERY_PORT', port: 50052, purpose: 'thread-query' },
  threadProjector: { variable: 'THREAD_PROJECTOR_PORT', port: 50053, purpose: 'thread-projector (health)' },
  nats: { variable: 'NATS_PORT', port: 4222, purpose: 'nats-server' },
  mySql: { variable: 'MYSQL_PORT', port: 3306, purpose: 'MySQL' },
};

/** What one mesh is made of. */
export interface MeshSettings {
  readonly ports: MeshPorts;
  /** Holds all state, logs and generated configuration. @default '.data' */
  readonly dataDir: string;
  /** The address on which Envoy's four public ports listen. @default '127.0.0.1' */
  readonly listenHost: string;
  /** A NATS to use instead of an own one. @default none */
  readonly natsUrl?: string;
  /** A MySQL database to use instead of an own one; it is created when it is not there. @default none */
  readonly mySqlUrl?: string;
  /** An Envoy to use instead of the installed one. @default none */
  readonly envoyBinary?: string;
  /** Envoy's worker threads. @default 1 */
  readonly envoyConcurrency: number;
  /** Added to the environment of the services and of the migration. @default {} */
  readonly serviceEnv?: Readonly<Record<string, string>>;
  /** Shows everything that the children log. @default false */
  readonly showAllLogs: boolean;
}

/**
 * Reads the settings of `npm start`.
 * @throws Fault naming a variable whose value cannot be meant
 */
export function readMeshSettings(variables: NodeJS.ProcessEnv): MeshSettings {
  const env = new Environment(variables);
  const ports = Object.fromEntries(
    Object.entries(portSettings).map(([name, { variable, port }]) => [name, env.port(variable, port)]),
  ) as unknown as MeshPorts;
  return {
    ports,
    dataDir: resolve(env.text('DATA_DIR', '.data')),
    listenHost: env.text('LISTEN_HOST', '127.0.0.1'),
    natsUrl: env.text('NATS_URL', '') || undefined,
    mySqlUrl: env.text('MYSQL_URL', '') || undefined,
    envoyBinary: env.text('ENVOY_BIN', '') || undefined,
    envoyConcurrency: env.integer('ENVOY_CONCURRENCY', 1, { minimum: 1, maximum: 64 }),
    showAllLogs: env.text('LOG', '') === 'all',
  };
}
