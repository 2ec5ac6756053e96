import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import type { ServerDefinition } from './server-definition.js';
import { type MySqlInstallation, mySqlInstallation } from './tools.js';

/** Settings of a MariaDB or MySQL server. */
export interface MySqlServerSettings {
  /** TCP port on loopback. */
  readonly port: number;
  /** Folder for its files; made and initialised when missing. */
  readonly dataDir: string;
  /** The database that is created when it is not there. @default 'threadweaver' */
  readonly database?: string;
  /** Memory for InnoDB's pages, in MiB. @default 256 */
  readonly bufferPoolMib?: number;
  /** Most connections at once. @default 300 */
  readonly maxConnections?: number;
}

const USER = 'threadweaver';

/** A MariaDB (or MySQL) on loopback: durable, without a binary log, with one user that has no password. */
export function mySqlServer({
  port,
  dataDir,
  database = 'threadweaver',
  bufferPoolMib = 256,
  maxConnections = 300,
}: MySqlServerSettings): ServerDefinition {
  const url = `mysql://${USER}@127.0.0.1:${port}/${database}`;
  const filesDir = join(dataDir, 'files');
  const initFile = join(dataDir, 'init.sql');
  return {
    name: 'mysql',
    url,
    port,
    prepare: async () => {
      await mkdir(join(dataDir, 'tmp'), { recursive: true });
      if (!existsSync(filesDir)) await initialise(mySqlInstallation(), filesDir);
      await writeFile(
        initFile,
        [
          `CREATE USER IF NOT EXISTS '${USER}'@'127.0.0.1';`,
          `CREATE USER IF NOT EXISTS '${USER}'@'localhost';`,
          `GRANT ALL ON *.* TO '${USER}'@'127.0.0.1' WITH GRANT OPTION;`,
          `GRANT ALL ON *.* TO '${USER}'@'localhost';`,
          `CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4;`,
          '',
        ].join('\n'),
      );
    },
    command: () => {
      const installation = mySqlInstallation();
      return {
        command: installation.server,
        args: [
          ...commonArguments(installation, filesDir),
          `--init-file=${initFile}`,
          `--port=${port}`,
          '--bind-address=127.0.0.1',
          // Relative to the data directory: an absolute path may be longer than a socket's name can be.
          '--socket=mysql.sock',
          '--pid-file=mysql.pid',
          '--skip-name-resolve',
          '--character-set-server=utf8mb4',
          '--innodb-flush-log-at-trx-commit=1',
          '--skip-log-bin',
          `--innodb-buffer-pool-size=${bufferPoolMib}M`,
          `--max-connections=${maxConnections}`,
          // MariaDB 11 would otherwise make a TLS key at each start, which takes up to 15 s.
          ...(installation.installDb === undefined ? ['--mysqlx=OFF'] : ['--skip-ssl']),
        ],
      };
    },
    checkHealth: () => checkMySqlHealth(url),
  };
}

/**
 * Connects once and asks for a row.
 * @throws Error when nothing answers, or the account or database is refused
 */
export async function checkMySqlHealth(url: string): Promise<void> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 });
  try {
    await connection.query({ sql: 'SELECT 1', timeout: 2_000 });
  } finally {
    connection.destroy();
  }
}

/**
 * Creates the database that a URL names, when it is not there and the account may do so.
 * @throws Error when the server does not answer, or the URL names no database
 */
export async function ensureDatabase(url: string): Promise<void> {
  const server = new URL(url);
  const database = decodeURIComponent(server.pathname.slice(1));
  if (database === '') throw new Error('MYSQL_URL names no database: mysql://user:password@host:3306/threadweaver');
  server.pathname = '/';
  const connection = await createConnection({ uri: server.href, connectTimeout: 2_000 });
  try {
    // Without the privilege this fails; whether the database is there shows when it is used.
    const statement = `CREATE DATABASE IF NOT EXISTS ${connection.escapeId(database)} CHARACTER SET utf8mb4`;
    await connection.query({ sql: statement, timeout: 2_000 }).catch(() => undefined);
  } finally {
    connection.destroy();
  }
}

/** Makes the data directory beside its place and moves it there whole: an interrupted run leaves nothing half-made. */
async function initialise(installation: MySqlInstallation, filesDir: string): Promise<void> {
  const draft = `${filesDir}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft);
  const run = promisify(execFile);
  const common = commonArguments(installation, draft);
  try {
    if (installation.installDb === undefined) await run(installation.server, [...common, '--initialize-insecure']);
    else {
      await run(installation.installDb, [...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
    }
  } catch (error) {
    throw new Error(`could not make a MySQL data directory: ${String(error)}`, { cause: error });
  }
  await rename(draft, filesDir);
}

function commonArguments({ baseDir }: MySqlInstallation, filesDir: string): string[] {
  return [
    '--no-defaults',
    ...(baseDir === undefined ? [] : [`--basedir=${baseDir}`]),
    `--datadir=${filesDir}`,
    // A server that starts deletes what others have in a folder for temporary tables that it shares with them.
    `--tmpdir=${join(dirname(filesDir), 'tmp')}`,
    // Run by root, the server wants to be told which user to become.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
}
