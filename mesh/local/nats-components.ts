import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkNatsHealth, type NatsAccount, natsServer, natsUrl as urlOf } from '../servers/nats-server.js';
import { installation } from '../../platform/composition/backend-settings.js';
import { contextResources } from '../rights/context-resources.js';
import { natsUsers, OPERATOR } from '../rights/nats-rights.js';
import type { NatsUser } from '../servers/nats-users.js';
import { serviceRights } from '../services.js';
import { passwordOf } from './mysql-accounts.js';
import type { Component, PortClaim } from './component.js';
import { MeshError } from './mesh-error.js';
import { claimPort, type MeshPorts, type MeshSettings } from './mesh-settings.js';

/** NATS as a part of the mesh: one server, three, or somebody else's. */
export interface NatsPart {
  readonly components: readonly Component[];
  /** What a process must be told to use all of it. @param user the service's name, or the operators' */
  environmentOf(user: string): Readonly<Record<string, string>>;
}

const clusterNodes = [
  { name: 'nats-1', number: 1, port: 'nats', routePort: 'natsRoute1', monitorPort: 'natsMonitor1' },
  { name: 'nats-2', number: 2, port: 'nats2', routePort: 'natsRoute2', monitorPort: 'natsMonitor2' },
  { name: 'nats-3', number: 3, port: 'nats3', routePort: 'natsRoute3', monitorPort: 'natsMonitor3' },
] as const;

/** With the rights that suit the journal's layout, as services are told of it. */
function ownAccounts({
  secrets,
  serviceEnv,
}: Pick<MeshSettings, 'secrets' | 'serviceEnv'>): readonly [NatsAccount, ...NatsAccount[]] {
  const { journalLayout, journalBuckets } = installation.read({ ...process.env, ...serviceEnv });
  const contexts = contextResources({ layout: journalLayout, buckets: journalBuckets });
  const withPassword = (user: NatsUser): NatsAccount => ({ ...user, password: passwordOf(secrets.nats, user.user) });
  const [operator, ...others] = natsUsers(contexts, serviceRights);
  return [withPassword(operator), ...others.map(withPassword)];
}

/** The address of NATS, or those of its nodes with commas between them; with the operators' password of one's own. */
export function natsUrlOf(settings: Pick<MeshSettings, 'ports' | 'natsUrl' | 'natsNodes' | 'secrets'>): string {
  return (
    settings.natsUrl ??
    natsAddresses(settings, { user: OPERATOR, password: passwordOf(settings.secrets.nats, OPERATOR) })
  );
}

/** The addresses of the mesh's own nodes, with commas between them. `account` @default nobody's */
export function natsAddresses(
  { ports, natsNodes }: Pick<MeshSettings, 'ports' | 'natsNodes'>,
  account?: Pick<NatsAccount, 'user' | 'password'>,
): string {
  const own = natsNodes === 1 ? [ports.nats] : clusterNodes.map(({ port }) => ports[port]);
  return own.map((port) => urlOf(port, account)).join(',');
}

/** `claim` makes the claim on one of the mesh's ports. */
export function natsComponents(
  settings: MeshSettings,
  claim: (name: keyof MeshPorts) => PortClaim = claimPort(settings),
): NatsPart {
  const { ports, dataDir, natsUrl, natsNodes, secrets } = settings;
  if (natsUrl !== undefined) {
    const checkHealth = () => checkNatsHealth(natsUrl);
    return {
      components: [{ kind: 'external', name: 'nats', dependsOn: [], url: natsUrl, checkHealth }],
      environmentOf: () => ({ NATS_URL: natsUrl }),
    };
  }
  const accounts = ownAccounts(settings);
  // Apart from the address, so that one process may be given another way to the same servers.
  const environmentOf = (user: string) => ({
    NATS_URL: natsAddresses(settings),
    NATS_USER: user,
    NATS_PASSWORD: passwordOf(secrets.nats, user),
    ...(natsNodes > 1 && { NATS_REPLICAS: String(natsNodes) }),
  });
  if (natsNodes === 1) {
    const monitorPort = ports.natsMonitor1;
    const server = natsServer({ port: ports.nats, monitorPort, dataDir: join(dataDir, 'nats'), accounts });
    return {
      components: [
        { kind: 'process', name: 'nats', dependsOn: [], ports: [claim('nats'), claim('natsMonitor1')], server },
      ],
      environmentOf,
    };
  }
  const routes = { user: 'node', password: secrets.natsRoute };
  const routePorts = clusterNodes.map(({ routePort }) => ports[routePort]);
  const nodes = clusterNodes.map(({ name, number, port, routePort, monitorPort }) => ({
    kind: 'process' as const,
    name,
    // Of each other, that is: none is healthy before two of them run.
    dependsOn: [],
    ports: [claim(port), claim(routePort), claim(monitorPort)],
    server: natsServer({
      port: ports[port],
      dataDir: join(dataDir, name),
      monitorPort: ports[monitorPort],
      accounts,
      // Services get all addresses, in the soak those of proxies.
      cluster: { node: number, routePorts, account: routes, isAdvertised: false },
    }),
  }));
  return { components: nodes, environmentOf };
}

/**
 * Refuses to start beside threads that the other number of nodes has written: they would seem to be gone.
 * @throws MeshError
 */
export function checkNatsShape({
  dataDir,
  natsUrl,
  natsNodes,
}: Pick<MeshSettings, 'dataDir' | 'natsUrl' | 'natsNodes'>): void {
  if (natsUrl !== undefined) {
    if (natsNodes === 1) return;
    throw new MeshError('--nats-nodes 3 starts a NATS cluster, and NATS_URL names another one: leave one of them out.');
  }
  const others = natsNodes === 1 ? clusterNodes.map(({ name }) => name) : ['nats'];
  const other = others.map((name) => join(dataDir, name)).find((folder) => existsSync(join(folder, 'jetstream')));
  if (other === undefined) return;
  const [has, option] =
    natsNodes === 1
      ? ['a cluster of three nodes', 'Start with --nats-nodes 3']
      : ['a single node', 'Start without --nats-nodes'];
  throw new MeshError(
    `${other} holds the threads of ${has}, and there is no way to take them over.\n` +
      `${option}, or set DATA_DIR to another folder, or empty this one with --reset.`,
  );
}
