import { join } from 'node:path';
import { checkMySqlHealth, ensureDatabase, mySqlServer } from '../servers/mysql-server.js';
import { JWKS_PATH } from '../../platform/identity/jwks-server.js';
import { KEY_RING_FILE } from '../../platform/identity/key-ring-file.js';
import { projectRoot } from '../../platform/process/project-root.js';
import type { ServerCommand } from '../servers/server-definition.js';
import type { Component, PortClaim, ProcessComponent } from './component.js';
import { envoyComponent } from './envoy-component.js';
import { checkGrpcHealth } from './grpc-health.js';
import { type ServiceName, serviceNames, serviceRights, services as manifests } from '../services.js';
import { instancesOf } from './instances.js';
import { claimPort, type MeshSettings } from './mesh-settings.js';
import { mySqlAccounts, mySqlUrls } from './mysql-accounts.js';
import { isAlwaysBucketed } from '../rights/context-resources.js';
import { FORMER_ACCOUNTS } from '../rights/mysql-rights.js';
import { natsComponents } from './nats-components.js';
import { prometheusComponent, type ScrapeTarget } from './prometheus-component.js';
import { serviceTokenFileOf } from './service-tokens.js';

/** The first port for metrics where Prometheus runs and METRICS_PORT is not set. */
const OBSERVED_METRICS_PORT = 9_464;

/** The whole mesh, as data. */
export function meshComponents(settings: MeshSettings): Component[] {
  const { ports, dataDir } = settings;
  const claim = claimPort(settings);
  const nats = natsComponents(settings, claim);
  const natsNames = nats.components.map(({ name }) => name);
  const urls = mySqlUrls(settings);
  const mySql = mySqlServer({
    port: ports.mySql,
    dataDir: join(dataDir, 'mysql'),
    rootPassword: settings.secrets.mySqlRoot,
    accounts: mySqlAccounts(settings),
    formerAccounts: FORMER_ACCOUNTS,
  });
  /** Each knows the secrets that it needs. */
  const ownEnv = (service: ServiceName): Readonly<Record<string, string>> => {
    const url = urls.service(service);
    return {
      ...(serviceRights[service] && nats.environmentOf(service)),
      ...(url !== undefined && { MYSQL_URL: url }),
      ...(service === 'account' && {
        KEY_RING_FILE: join(dataDir, KEY_RING_FILE),
        ACCOUNT_MYSQL_URL: urls.accounts.service,
      }),
    };
  };

  const jwksUrl = `http://127.0.0.1:${ports.accountJwks}${JWKS_PATH}`;

  const firstMetricsPort = settings.metricsPort || (settings.observe ? OBSERVED_METRICS_PORT : 0);
  const scraped: ScrapeTarget[] = [];
  /** The next port for metrics, if they are wanted. */
  const nextMetrics = (service: ServiceName, process: string): PortClaim | undefined => {
    if (firstMetricsPort === 0) return undefined;
    const port = firstMetricsPort + scraped.length;
    scraped.push({ service, process, port });
    return { port, purpose: `${process} (metrics)`, variable: 'METRICS_PORT' };
  };
  const services = (service: ServiceName): ProcessComponent[] =>
    instancesOf(service, settings).map(({ name, port, portNames }) => {
      const metrics = nextMetrics(service, name);
      return {
        kind: 'process',
        name,
        dependsOn: [...natsNames, 'mysql', 'migrate', 'migrate-accounts'],
        ports: [...Object.values(portNames).map((own) => claim(own)), ...(metrics ? [metrics] : [])],
        server: {
          name,
          url: `127.0.0.1:${port}`,
          port,
          command: () =>
            compiled(
              `${manifests[service].main}.js`,
              {
                ...ownEnv(service),
                AUTH: settings.auth ?? 'off',
                JWKS_URL: jwksUrl,
                ...(settings.auth === 'jwt' && { SERVICE_TOKEN_FILE: serviceTokenFileOf(dataDir, service) }),
                ...(settings.keysEverySeconds && { JWKS_EVERY_MS: String(settings.keysEverySeconds * 1_000) }),
                ...tracingEnv(settings),
                ...settings.serviceEnv,
                ...(isAlwaysBucketed(serviceRights[service]?.context ?? '') && { JOURNAL_LAYOUT: 'bucketed' }),
                // Always set: all would inherit the same one.
                METRICS_PORT: `${metrics?.port ?? 0}`,
                METRICS_HOST: '127.0.0.1',
                ...settings.envOf?.(name),
                GRPC_HOST: '127.0.0.1',
                GRPC_PORT: `${port}`,
                ...(portNames.admin && { ADMIN_PORT: `${ports[portNames.admin]}` }),
                ...(portNames.jwks && { JWKS_HOST: '127.0.0.1', JWKS_PORT: `${ports[portNames.jwks]}` }),
              },
              settings.watch ? { options: ['--watch', '--watch-preserve-output'] } : {},
            ),
          checkHealth: () => checkGrpcHealth(`127.0.0.1:${port}`),
        },
      };
    });
  const allServices = serviceNames.flatMap(services);

  return [
    ...nats.components,
    settings.mySqlUrl === undefined
      ? { kind: 'process', name: 'mysql', dependsOn: [], ports: [claim('mySql')], server: mySql }
      : {
          kind: 'external',
          name: 'mysql',
          dependsOn: [],
          url: settings.mySqlUrl,
          checkHealth: async () => {
            await ensureDatabase(urls.operator);
            await checkMySqlHealth(urls.operator);
          },
        },
    {
      kind: 'task',
      name: 'migrate',
      dependsOn: ['mysql'],
      command: () =>
        compiled(
          'services/admin.js',
          { MYSQL_URL: urls.migrator('thread'), ...settings.serviceEnv },
          { words: ['thread', 'projection', 'migrate'] },
        ),
    },
    {
      kind: 'task',
      name: 'migrate-accounts',
      dependsOn: ['mysql'],
      command: () =>
        compiled(
          'services/admin.js',
          { ACCOUNT_MYSQL_URL: urls.accounts.migrator, ...settings.serviceEnv },
          { words: ['account', 'migrate'] },
        ),
    },
    ...allServices,
    envoyComponent(
      settings,
      claim,
      allServices.map(({ name }) => name),
    ),
    ...(settings.observe ? [prometheusComponent({ dataDir, claim: claim('prometheus'), targets: scraped })] : []),
  ];
}

/** The same traces for every service as for Envoy. */
function tracingEnv({ tracing }: MeshSettings): Readonly<Record<string, string>> {
  if (!tracing?.endpoint) return {};
  const { endpoint, sampler, ratio } = tracing;
  return {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER: sampler,
    OTEL_TRACES_SAMPLER_ARG: String(ratio),
  };
}

/** A module of ours, in a process of its own. */
function compiled(
  module: string,
  env: Readonly<Record<string, string>>,
  { options = [], words = [] }: { readonly options?: readonly string[]; readonly words?: readonly string[] } = {},
): ServerCommand {
  const args = [...options, '--enable-source-maps', join(projectRoot, 'dist', module), ...words];
  return { command: process.execPath, args, env };
}
