import { resolve } from 'node:path';
import type { LogFileSettings } from './child-log.js';
import { type PortPurpose, type ServiceManifest, type ServiceName, serviceNames, services } from '../services.js';
import type { PortClaim } from './component.js';
import type { CertificateFiles } from './edge-certificate.js';
import type { MeshSecrets } from './secrets.js';
import { natsUrl } from '../../platform/composition/backend-settings.js';
import { tracingSettings } from '../../platform/composition/tracing-settings.js';
import type { TracingSettings } from '../../platform/telemetry/tracing.js';
import {
  choice,
  combined,
  group,
  integer,
  invalidSetting,
  port,
  settings,
  text,
  type Variables,
} from '../../platform/process/settings.js';

/** The most instances of thread-command that one mesh may have. */
export const MAX_INSTANCES = services['thread-command'].maxInstances;
/** The highest port that the first service's metrics may have: those of all the others come after it. */
const LAST_METRICS_PORT = 65_500;

/** Envoy's ports, and those of the servers behind the services. */
type ServerPort = keyof typeof serverPorts | 'nats2' | 'nats3' | `${'natsRoute' | 'natsMonitor'}${1 | 2 | 3}`;

/** A port of a service's first instance, such as `threadCommand` and `threadCommandAdmin`; of further ones with their number. */
type ServicePort = {
  [
    name in ServiceName
  ]: `${CamelCase<name>}${'' | Capitalize<Exclude<keyof (typeof services)[name]['ports'] & string, 'grpc'>>}${
    '' | FurtherInstance<(typeof services)[name]['maxInstances']>}`;
}[ServiceName];
type FurtherInstance<Max> = Max extends 2 ? 2 : 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** Every port of the mesh. Those of further instances are taken only where there are so many. */
export type MeshPorts = Readonly<Record<ServerPort | ServicePort, number>>;

interface PortSetting {
  readonly variable: string;
  readonly port: number;
  readonly purpose: string;
}

const serverPorts = {
  envoy: { variable: 'ENVOY_PORT', port: 8080, purpose: 'Envoy' },
  tls: { variable: 'ENVOY_TLS_PORT', port: 8443, purpose: 'Envoy (TLS)' },
  threads: { variable: 'THREADS_PORT', port: 18080, purpose: "Envoy (the older thread system's port)" },
  messenger: { variable: 'MESSENGER_PORT', port: 10000, purpose: "Envoy (the older messenger's port)" },
  booking: { variable: 'BOOKING_PORT', port: 8088, purpose: "Envoy (the older booking system's port)" },
  nats: { variable: 'NATS_PORT', port: 4222, purpose: 'nats-server' },
  mySql: { variable: 'MYSQL_PORT', port: 3306, purpose: 'MySQL' },
  prometheus: { variable: 'PROMETHEUS_PORT', port: 9090, purpose: 'Prometheus' },
} as const satisfies Readonly<Record<string, PortSetting>>;

const purposes: Readonly<Record<PortPurpose, string | undefined>> = {
  grpc: undefined,
  admin: 'admin',
  jwks: 'public keys',
};

/** A port's default, the variable that sets it, and what it is for. */
export const portSettings = {
  ...serverPorts,
  ...Object.fromEntries(serviceNames.flatMap((service) => portsOf(service))),
  ...Object.fromEntries([
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

/** The port of an instance, as the mesh's settings name it. @param instance 1 for the first */
export function portName(service: ServiceName, purpose: PortPurpose, instance: number): keyof MeshPorts {
  const words = [...service.split('-'), ...(purpose === 'grpc' ? [] : [purpose])];
  const name = words.map((word, index) => (index === 0 ? word : word[0]?.toUpperCase() + word.slice(1))).join('');
  return `${name}${instance === 1 ? '' : instance}` as keyof MeshPorts;
}

/** Of all instances that the service may have. Ten above the instance before: the ports of services have different last digits. */
function portsOf(service: ServiceName): [string, PortSetting][] {
  const { ports, maxInstances, serves }: ServiceManifest = services[service];
  return Array.from({ length: maxInstances }, (_, index) => index + 1).flatMap((instance) =>
    (Object.entries(ports) as [PortPurpose, number][]).map(([purpose, first]): [string, PortSetting] => {
      const name = instance === 1 ? service : `${service}-${instance}`;
      const what = purposes[purpose] ?? (serves === 'health only' && purpose === 'grpc' ? 'health' : undefined);
      const variable = purpose === 'grpc' ? `${name}-port` : `${name}-${purpose}-port`;
      return [
        portName(service, purpose, instance),
        {
          variable: variable.replaceAll('-', '_').toUpperCase(),
          port: first + 10 * (instance - 1),
          purpose: what === undefined ? name : `${name} (${what})`,
        },
      ];
    }),
  );
}

/** Makes the claim on one of the mesh's ports. */
export function claimPort({ ports }: Pick<MeshSettings, 'ports'>): (name: keyof MeshPorts, host?: string) => PortClaim {
  return (name, host) => {
    const { variable, purpose } = portSettings[name];
    return { port: ports[name], host, purpose, variable };
  };
}

const olderPorts = ['threads', 'messenger', 'booking'] as const;
/** A port of Envoy's whose clients may know no tokens. */
export type TokenlessPort = (typeof olderPorts)[number];

/** What one mesh is made of. */
export interface MeshSettings {
  readonly ports: MeshPorts;
  /** Holds all state, logs and generated configuration. @default '.data' */
  readonly dataDir: string;
  /** The address on which Envoy's public ports listen. @default '127.0.0.1' */
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
  /** Where traces of Envoy and the services go. @default there are none */
  readonly tracing?: TracingSettings;
  /** Calls a second of one address that brings no token. @default 10_000 */
  readonly envoyMaxCallsPerSecondOfAddress?: number;
  /** Calls a second with tokens of one subject. @default 1000 */
  readonly envoyMaxCallsPerSecondOfSubject?: number;
  /** The first of the services' ports for metrics, which follow one another; 0 for none. @default 0, when observed 9464 */
  readonly metricsPort?: number;
  /** Prometheus runs beside it all, with the alert rules and a dashboard. @default false */
  readonly observe?: boolean;
  /** Added to the environment of the services and of the migration. @default {} */
  readonly serviceEnv?: Readonly<Record<string, string>>;
  /** Added to the environment of one process of a service, by its name, such as `thread-command-2`. @default nothing */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** What Envoy shows those who come by TLS. @default a certificate of its own, which nobody vouches for */
  readonly certificateFiles?: CertificateFiles | undefined;
  /** Do calls need tokens? @default 'off' */
  readonly auth?: 'off' | 'jwt';
  /** Where they need none all the same: Envoy's ports of older systems, whose clients know no tokens. @default none */
  readonly tokenlessPorts?: readonly TokenlessPort[];
  /** How often everybody asks for the keys that tokens are checked by, in seconds. @default 60 */
  readonly keysEverySeconds?: number | undefined;
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
  envoyMaxCallsPerSecondOfAddress: integer(
    'ENVOY_MAX_CALLS_PER_SECOND_OF_ADDRESS',
    { default: 10_000, minimum: 10, maximum: 1_000_000 },
    'calls a second of one address that brings no token; twice as many at once',
  ),
  envoyMaxCallsPerSecondOfSubject: integer(
    'ENVOY_MAX_CALLS_PER_SECOND_OF_SUBJECT',
    { default: 1_000, minimum: 10, maximum: 1_000_000 },
    'calls a second with tokens of one subject; twice as many at once',
  ),
  envoyMaxConnectionsPerAddress: integer(
    'ENVOY_MAX_CONNECTIONS_PER_ADDRESS',
    { default: 2_500, minimum: 1 },
    'connections of one address to Envoy at once, for each of its worker threads',
  ),
  tracing: tracingSettings,
  metricsPort: integer(
    'METRICS_PORT',
    { default: 0, maximum: LAST_METRICS_PORT },
    "the first of the services' ports for metrics",
  ),
  certificateFiles: combined(
    {
      certificate: text(
        'TLS_CERTIFICATE_FILE',
        { default: '', shown: 'one of its own' },
        'what Envoy shows those who come by TLS: PEM, with the certificates between it and the root behind it. Read again when it changes',
      ),
      key: text('TLS_KEY_FILE', none, 'the key of that certificate: PEM'),
    },
    ({ certificate, key }) => {
      if (certificate === '' && key === '') return undefined;
      if (certificate === '' || key === '') throw invalidSetting('TLS_CERTIFICATE_FILE and TLS_KEY_FILE go together');
      return { certificate, key };
    },
  ),
  auth: choice('AUTH', ['off', 'jwt'], { default: 'off' }, '`jwt`: calls need tokens'),
  tokenlessPorts: combined(
    {
      names: text(
        'TOKENLESS_PORTS',
        { default: 'threads,booking' },
        "with `AUTH=jwt`: of Envoy's ports `threads`, `messenger` and `booking`, those whose clients know no tokens, or `none`",
      ),
    },
    ({ names }) => {
      if (names === 'none') return [];
      return names.split(',').map((name) => {
        const known = olderPorts.find((each) => each === name.trim());
        if (known === undefined) {
          throw invalidSetting(
            `TOKENLESS_PORTS is ${JSON.stringify(names)}, must be some of ${olderPorts.join(',')}, or none`,
          );
        }
        return known;
      });
    },
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
): Omit<MeshSettings, 'instances' | 'natsNodes' | 'watch' | 'observe' | 'secrets'> {
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
