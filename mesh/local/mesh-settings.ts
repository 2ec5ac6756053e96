import { resolve } from 'node:path';
import type { LogFileSettings } from './child-log.js';
import { services } from '../services.js';
import type { PortClaim } from './component.js';
import type { MeshSecrets } from './secrets.js';
import { natsUrl } from '../../platform/composition/backend-settings.js';
import { combined, group, integer, port, settings, text, type Variables } from '../../platform/process/settings.js';

/** The most instances of thread-command that one mesh may have. */
export const MAX_INSTANCES = services['thread-command'].maxInstances;
/** The highest port that the first service's metrics may have: those of all the others come after it. */
const LAST_METRICS_PORT = 65_500;
type FurtherInstance = 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type ClusterNode = 1 | 2 | 3;

/**
 * Every port of the mesh. Those of further instances bear the instance's number, and are taken only where there are
 * so many.
 */
export interface MeshPorts
  extends
    SinglePorts,
    Readonly<
      Record<
        | `threadCommand${FurtherInstance}`
        | `threadCommandAdmin${FurtherInstance}`
        | 'threadQuery2'
        | 'threadProjector2'
        | 'account2'
        | 'accountJwks2',
        number
      >
    >,
    Readonly<Record<'nats2' | 'nats3' | `natsRoute${ClusterNode}` | `natsMonitor${ClusterNode}`, number>> {}

/** The ports of one instance each. */
interface SinglePorts {
  /** Envoy: everything. @default 8080 */
  readonly envoy: number;
  /** Envoy, as the older thread system's port. @default 18080 */
  readonly threads: number;
  /** Envoy, as the older messenger's port. @default 10000 */
  readonly messenger: number;
  /** Envoy, as the older booking system's port. @default 8088 */
  readonly booking: number;
  /** @default 50051 */
  readonly threadCommand: number;
  /** What is for operators only, on loopback. @default 50054 */
  readonly threadCommandAdmin: number;
  /** @default 50052 */
  readonly threadQuery: number;
  /** Health only. @default 50053 */
  readonly threadProjector: number;
  /** @default 50055 */
  readonly account: number;
  /** Public keys, by HTTP. @default 50056 */
  readonly accountJwks: number;
  /** @default 4222 */
  readonly nats: number;
  /** @default 3306 */
  readonly mySql: number;
}

interface PortSetting {
  readonly variable: string;
  readonly port: number;
  readonly purpose: string;
}

const singlePortSettings: Readonly<Record<keyof SinglePorts, PortSetting>> = {
  envoy: { variable: 'ENVOY_PORT', port: 8080, purpose: 'Envoy' },
  threads: { variable: 'THREADS_PORT', port: 18080, purpose: "Envoy (the older thread system's port)" },
  messenger: { variable: 'MESSENGER_PORT', port: 10000, purpose: "Envoy (the older messenger's port)" },
  booking: { variable: 'BOOKING_PORT', port: 8088, purpose: "Envoy (the older booking system's port)" },
  threadCommand: { variable: 'THREAD_COMMAND_PORT', port: services['thread-command'].port, purpose: 'thread-command' },
  threadCommandAdmin: {
    variable: 'THREAD_COMMAND_ADMIN_PORT',
    port: services['thread-command'].adminPort,
    purpose: 'thread-command (admin)',
  },
  threadQuery: { variable: 'THREAD_QUERY_PORT', port: services['thread-query'].port, purpose: 'thread-query' },
  threadProjector: {
    variable: 'THREAD_PROJECTOR_PORT',
    port: services['thread-projector'].port,
    purpose: 'thread-projector (health)',
  },
  account: { variable: 'ACCOUNT_PORT', port: services.account.port, purpose: 'account' },
  accountJwks: { variable: 'ACCOUNT_JWKS_PORT', port: services.account.jwksPort, purpose: 'account (public keys)' },
  nats: { variable: 'NATS_PORT', port: 4222, purpose: 'nats-server' },
  mySql: { variable: 'MYSQL_PORT', port: 3306, purpose: 'MySQL' },
};

/** A port's default, the variable that sets it, and what it is for. */
export const portSettings = {
  ...singlePortSettings,
  ...Object.fromEntries(
    Array.from({ length: MAX_INSTANCES - 1 }, (_, index) => [
      further('threadCommand', 'thread-command', index + 2),
      further('threadCommandAdmin', 'thread-command', index + 2),
    ]).flat(),
  ),
  ...Object.fromEntries([
    further('threadQuery', 'thread-query', 2),
    further('threadProjector', 'thread-projector', 2),
    further('account', 'account', 2),
    further('accountJwks', 'account', 2),
    ['nats2', { variable: 'NATS_2_PORT', port: 4223, purpose: 'nats-2' }],
    ['nats3', { variable: 'NATS_3_PORT', port: 4224, purpose: 'nats-3' }],
    ...[1, 2, 3].flatMap((node) => {
      const variable = `NATS_${node}`;
      const routes = { variable: `${variable}_ROUTE_PORT`, port: 6221 + node, purpose: `nats-${node} (its cluster)` };
      const monitor = { variable: `${variable}_MONITOR_PORT`, port: 8221 + node, purpose: `nats-${node} (health)` };
      return [
        [`natsRoute${node}`, routes],
        [`natsMonitor${node}`, monitor],
      ];
    }),
  ] as [string, PortSetting][]),
} as Readonly<Record<keyof MeshPorts, PortSetting>>;

/** Ten above the instance before: the ports of services have different last digits. */
function further(
  name: 'threadCommand' | 'threadCommandAdmin' | 'threadQuery' | 'threadProjector' | 'account' | 'accountJwks',
  service: string,
  instance: number,
): [string, PortSetting] {
  const { variable, port } = singlePortSettings[name];
  return [
    `${name}${instance}`,
    {
      variable: variable.replace(/(_ADMIN|_JWKS)?_PORT$/, `_${instance}$1_PORT`),
      port: port + 10 * (instance - 1),
      purpose: singlePortSettings[name].purpose.replace(service, `${service}-${instance}`),
    },
  ];
}

/** Makes the claim on one of the mesh's ports. */
export function claimPort({ ports }: Pick<MeshSettings, 'ports'>): (name: keyof MeshPorts, host?: string) => PortClaim {
  return (name, host) => {
    const { variable, purpose } = portSettings[name];
    return { port: ports[name], host, purpose, variable };
  };
}

/** What one mesh is made of. */
export interface MeshSettings {
  readonly ports: MeshPorts;
  /** Holds all state, logs and generated configuration. @default '.data' */
  readonly dataDir: string;
  /** The address on which Envoy's four public ports listen. @default '127.0.0.1' */
  readonly listenHost: string;
  /** Instances of thread-command, 1 to 9; with two or more there are two of each other service. @default 1 */
  readonly instances: number;
  /** nats-servers: one, or a cluster of three that keeps three copies of everything. @default 1 */
  readonly natsNodes: 1 | 3;
  /** Services start again when a module of theirs has changed. @default false */
  readonly watch?: boolean | undefined;
  /** A NATS to use instead of an own one. @default none */
  readonly natsUrl?: string;
  /** A MySQL database to use instead of an own one; it is created when it is not there. @default none */
  readonly mySqlUrl?: string;
  /** An Envoy to use instead of the installed one. @default none */
  readonly envoyBinary?: string;
  /** Envoy's worker threads. @default 1 */
  readonly envoyConcurrency: number;
  /** Connections of one address to Envoy at once, for each of its worker threads. @default 2500 */
  readonly envoyMaxConnectionsPerAddress?: number;
  /** The first of the services' ports for metrics, which follow one another; 0 for none. @default 0 */
  readonly metricsPort?: number;
  /** Added to the environment of the services and of the migration. @default {} */
  readonly serviceEnv?: Readonly<Record<string, string>>;
  /** Added to the environment of one process of a service, by its name, such as `thread-command-2`. @default nothing */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** The passwords of the servers that the mesh starts. */
  readonly secrets: MeshSecrets;
  /** Shows everything that the children log. @default false */
  readonly showAllLogs: boolean;
  /** When a process's log is moved away, and how many of it are kept. @default 10 MiB, 3 */
  readonly logFiles?: LogFileSettings;
}

/** When a process's log is moved away, and how many of it are kept. */
export const logFileSettings = {
  maxFileBytes: combined(
    {
      mib: integer(
        'LOG_FILE_MAX_MIB',
        { default: 10, minimum: 1, maximum: 10_000 },
        'size at which a file is full, in MiB',
      ),
    },
    ({ mib }) => mib * 1024 * 1024,
  ),
  maxFiles: integer(
    'LOG_FILES_KEPT',
    { default: 3, minimum: 1, maximum: 100 },
    'files that are kept of each process, the present one included: so at most 30 MiB a process by default',
  ),
};

const none = { default: '' };
const settingsOfStart = {
  dataDir: combined({ folder: text('DATA_DIR', { default: '.data' }, 'state and logs') }, ({ folder }) =>
    resolve(folder),
  ),
  listenHost: text('LISTEN_HOST', { default: '127.0.0.1' }, "the address of Envoy's public ports"),
  natsUrl: { ...natsUrl, read: (variables: Variables) => (variables.NATS_URL ? natsUrl.read(variables) : undefined) },
  mySqlUrl: text('MYSQL_URL', none, 'a MySQL database to use instead of an own one'),
  envoyBinary: text('ENVOY_BIN', none, 'an Envoy to use instead of the installed one'),
  envoyConcurrency: integer('ENVOY_CONCURRENCY', { default: 1, minimum: 1, maximum: 64 }, "Envoy's worker threads"),
  envoyMaxConnectionsPerAddress: integer(
    'ENVOY_MAX_CONNECTIONS_PER_ADDRESS',
    { default: 2_500, minimum: 1 },
    'connections of one address to Envoy at once, for each of its worker threads',
  ),
  metricsPort: integer(
    'METRICS_PORT',
    { default: 0, maximum: LAST_METRICS_PORT },
    "the first of the services' ports for metrics",
  ),
  log: text('LOG', none, '`all` shows everything that the children log'),
  logFiles: group(logFileSettings),
};

/**
 * Reads the settings of `npm start` that come from the environment; its options say how many of each there are.
 * @throws Fault naming a variable whose value cannot be meant
 */
export function readMeshSettings(
  variables: NodeJS.ProcessEnv,
): Omit<MeshSettings, 'instances' | 'natsNodes' | 'watch' | 'secrets'> {
  const ports = Object.entries(portSettings).map(([name, { variable, port: byDefault, purpose }]) => [
    name,
    port(variable, { default: byDefault }, purpose).read(variables),
  ]);
  const { log, mySqlUrl, envoyBinary, ...others } = settings(settingsOfStart, variables);
  return {
    ports: Object.fromEntries(ports) as unknown as MeshPorts,
    ...others,
    mySqlUrl: mySqlUrl || undefined,
    envoyBinary: envoyBinary || undefined,
    showAllLogs: log === 'all',
  };
}
