import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { parseNatsUrl, withCredentials } from '../../platform/nats/nats-address.js';
import { lookAtDisk } from './nats-disk.js';
import { authorizationText, type NatsUser } from './nats-users.js';
import type { ServerDefinition } from './server-definition.js';
import { natsServerBinary } from './tools.js';

/** Settings of a nats-server. */
export interface NatsServerSettings {
  /** TCP port on loopback. */
  readonly port: number;
  /** Folder for its configuration and JetStream's files; made when missing. */
  readonly dataDir: string;
  /**
   * Flush every write to the disk before acknowledging it. Without it, a power cut loses what was acknowledged in the
   * last two minutes.
   * @default true
   */
  readonly syncAlways?: boolean;
  /** Largest message in bytes. @default 8 MiB, the most that nats-server recommends */
  readonly maxPayloadBytes?: number;
  /** Serves `/healthz` on loopback. @default none */
  readonly monitorPort?: number | undefined;
  /** Who alone may come; `url` names the first. @default everybody on this machine */
  readonly accounts?: readonly [NatsAccount, ...NatsAccount[]];
  /** The cluster that it is a node of. @default none */
  readonly cluster?: NatsClusterNode;
}

/** A user of a nats-server, with the password. */
export interface NatsAccount extends NatsUser {
  readonly password: string;
}

/** One node of a NATS cluster on loopback. */
export interface NatsClusterNode {
  /** From 1. */
  readonly node: number;
  /** The ports on which the nodes reach each other, in the nodes' order. */
  readonly routePorts: readonly number[];
  /** Whether clients hear from a node of the others' addresses. Else they keep to the ways that they were given. @default true */
  readonly isAdvertised?: boolean;
  /** What a node tells the others to be one of them. @default anybody may be */
  readonly account?: NatsAccount;
}

const EIGHT_MIB = 8 * 1024 * 1024;

/** A nats-server with JetStream on loopback. */
export function natsServer({
  port,
  dataDir,
  syncAlways = true,
  maxPayloadBytes = EIGHT_MIB,
  monitorPort,
  accounts,
  cluster,
}: NatsServerSettings): ServerDefinition {
  const url = natsUrl(port, accounts?.[0]);
  const configPath = join(dataDir, 'nats-server.conf');
  const name = cluster === undefined ? 'nats' : `nats-${cluster.node}`;
  const config = [
    `server_name: ${cluster === undefined ? 'threadweaver' : name}`,
    `listen: "127.0.0.1:${port}"`,
    `max_payload: ${maxPayloadBytes}`,
    ...(monitorPort === undefined ? [] : [`http: "127.0.0.1:${monitorPort}"`]),
    ...usersLines(accounts),
    'jetstream {',
    `  store_dir: ${JSON.stringify(dataDir)}`,
    ...(syncAlways ? ['  sync_interval: always'] : []),
    '}',
    ...(cluster === undefined ? [] : clusterLines(cluster)),
    '',
  ].join('\n');
  return {
    name,
    url,
    port,
    prepare: async () => {
      await mkdir(dataDir, { recursive: true, mode: 0o700 });
      await writeFile(configPath, config, { mode: 0o600 });
      // Both may be there from before there were passwords.
      await Promise.all([chmod(dataDir, 0o700), chmod(configPath, 0o600)]);
    },
    command: () => ({ command: natsServerBinary(), args: ['--config', configPath] }),
    checkHealth: async () => {
      await checkNatsHealth(url);
      if (cluster !== undefined && monitorPort !== undefined) await checkNodeHealth(url, monitorPort);
    },
    ...(monitorPort !== undefined && { findTrouble: () => lookAtDisk(monitorPort, dataDir) }),
  };
}

/** The address of a nats-server on loopback, with its account's name and password. */
export function natsUrl(port: number, account?: NatsAccount): string {
  const address = `nats://127.0.0.1:${port}`;
  return account === undefined ? address : withCredentials(address, account.user, account.password);
}

function usersLines(accounts: readonly NatsAccount[] | undefined): string[] {
  if (accounts === undefined) return [];
  const passwords = new Map(accounts.map(({ user, password }) => [user, JSON.stringify(password)]));
  return [authorizationText(accounts, (user) => passwords.get(user) ?? '')];
}

/** Of nodes among themselves. */
function authorizationLines(account: NatsAccount | undefined): string[] {
  if (account === undefined) return [];
  return [`authorization { user: "${account.user}", password: "${account.password}" }`];
}

function clusterLines({ node, routePorts, account, isAdvertised = true }: NatsClusterNode): string[] {
  return [
    // After SIGUSR2: clients are sent away little by little, and leaders move first. 30 s is the least that it takes.
    'lame_duck_grace_period: "2s"',
    'lame_duck_duration: "30s"',
    'cluster {',
    '  name: threadweaver',
    ...(isAdvertised ? [] : ['  no_advertise: true']),
    `  listen: "127.0.0.1:${routePorts[node - 1]}"`,
    ...authorizationLines(account).map((line) => `  ${line}`),
    `  routes: [${routePorts.map((port) => `"${natsUrl(port, account)}"`).join(', ')}]`,
    '}',
  ];
}

/**
 * Looks whether the cluster has a leader, and this node has caught up with it in all streams and consumers.
 * @throws Error saying what is missing
 */
async function checkNodeHealth(url: string, monitorPort: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${monitorPort}/healthz`, { signal: AbortSignal.timeout(2_000) });
  const { error } = (await response.json()) as { error?: string };
  if (!response.ok) throw new Error(error ?? `/healthz answers ${response.status}`);
  const connection = await connectOnce(url);
  try {
    // The leader answers, through this node.
    await jetstreamManager(connection, { timeout: 2_000 });
  } finally {
    await connection.close();
  }
}

/**
 * Connects once and looks for JetStream.
 * @param url one address, or several with commas between them
 * @throws Error when nothing answers or JetStream is off
 */
export async function checkNatsHealth(url: string): Promise<void> {
  const connection = await connectOnce(url);
  try {
    if (connection.info?.jetstream !== true) throw new Error('nats-server answers, but JetStream is off');
  } finally {
    await connection.close();
  }
}

function connectOnce(url: string): Promise<NatsConnection> {
  const { servers, credentials } = parseNatsUrl(url);
  return connect({ servers: [...servers], ...credentials, reconnect: false, timeout: 2_000 });
}
