import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import type { ServerDefinition } from './server-definition.js';
import { accountStatements, type MySqlAccount, randomPassword } from './mysql-accounts.js';
import { type MySqlInstallation, mySqlInstallation } from './tools.js';
import { closedFolderOnTheWay, giveTo, type SystemUser, unprivilegedUser } from './unprivileged-user.js';

/** Settings of a MariaDB or MySQL server. */
export interface MySqlServerSettings {
  /** TCP port on loopback. */
  readonly port: number;
  /** Folder for its files; made and initialised when missing. Started by root, it is the server's own user's. */
  readonly dataDir: string;
  /** The database that is created when it is not there. @default 'threadweaver' */
  readonly database?: string;
  /** Of root, who may come from this machine only. @default a new one for each definition */
  readonly rootPassword?: string;
  /** Who else may come; `url` names the first. @default `threadweaver`, who may do everything, as tests want */
  readonly accounts?: readonly [MySqlAccount, ...MySqlAccount[]];
  /** Accounts of an earlier version that go. @default none */
  readonly formerAccounts?: readonly string[];
  /** Memory for InnoDB's pages, in MiB. @default 256 */
  readonly bufferPoolMib?: number;
  /** Most connections at once. @default 300 */
  readonly maxConnections?: number;
}

/**
 * A MariaDB (or MySQL) on loopback: durable, without a binary log. Its process is never root's, everybody needs a
 * password, and SQL neither reads nor writes files.
 */
export function mySqlServer({
  port,
  dataDir,
  database = 'threadweaver',
  rootPassword = randomPassword(),
  accounts = [{ name: 'threadweaver', password: randomPassword(), grants: ['ALL ON *.* WITH GRANT OPTION'] }],
  formerAccounts = [],
  bufferPoolMib = 256,
  maxConnections = 300,
}: MySqlServerSettings): ServerDefinition {
  const url = mySqlUrl(port, accounts[0], database);
  const user = unprivilegedUser();
  return {
    name: 'mysql',
    url,
    port,
    prepare: async () => {
      const folder = user === undefined ? dataDir : reachableFolder(dataDir, user);
      await mkdir(join(folder, 'tmp'), { recursive: true });
      await mkdir(join(folder, 'no-files'), { recursive: true, mode: 0o500 });
      const installation = mySqlInstallation();
      if (!existsSync(join(folder, 'files'))) await initialise(installation, folder);
      const statements = [
        `CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4`,
        ...formerAccounts.map((name) => `DROP USER IF EXISTS '${name}'@'127.0.0.1'`),
        ...accountStatements(rootPassword, accounts, installation.installDb !== undefined),
      ];
      await writeFile(join(folder, 'init.sql'), statements.map((statement) => `${statement};\n`).join(''), {
        mode: 0o600,
      });
      if (user === undefined) await chmod(folder, 0o700);
      else giveTo(user, folder);
    },
    command: () => {
      const folder = existsSync(dataDir) ? realpathSync(dataDir) : dataDir;
      const installation = withinReach(mySqlInstallation(), user);
      return {
        command: installation.server,
        user,
        openFolder: installation.openFolder,
        args: [
          ...commonArguments(installation, folder, 'files'),
          `--init-file=${join(folder, 'init.sql')}`,
          `--port=${port}`,
          '--bind-address=127.0.0.1',
          // Relative to the data directory: an absolute path may be longer than a socket's name can be.
          '--socket=mysql.sock',
          '--pid-file=mysql.pid',
          '--skip-name-resolve',
          '--local-infile=0',
          // MariaDB knows no "nowhere": a folder that stays empty.
          `--secure-file-priv=${join(folder, 'no-files')}`,
          '--character-set-server=utf8mb4',
          '--innodb-flush-log-at-trx-commit=1',
          '--skip-log-bin',
          `--innodb-buffer-pool-size=${bufferPoolMib}M`,
          // Of one search: by default it may take 2 GB. What finds more is ended, and the account's own messages are read.
          '--innodb-ft-result-cache-limit=33554432',
          `--max-connections=${maxConnections}`,
          // MariaDB 11 would otherwise make a TLS key at each start, which takes up to 15 s.
          ...(installation.installDb === undefined ? ['--mysqlx=OFF'] : ['--skip-ssl']),
        ],
      };
    },
    checkHealth: () => checkMySqlHealth(url),
  };
}

/** Where an account finds a database of a server on loopback. */
export function mySqlUrl(
  port: number,
  { name, password }: Pick<MySqlAccount, 'name' | 'password'>,
  database: string,
): string {
  return `mysql://${name}:${password}@127.0.0.1:${port}/${database}`;
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
async function initialise(installation: MySqlInstallation, folder: string): Promise<void> {
  const draft = join(folder, 'files.draft');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  const run = promisify(execFile);
  // Listens to nobody; run by root, it wants to be told that it may be.
  const common = [
    ...commonArguments(installation, folder, 'files.draft'),
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
  try {
    if (installation.installDb === undefined) await run(installation.server, [...common, '--initialize-insecure']);
    else {
      await run(installation.installDb, [...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
    }
  } catch (error) {
    throw new Error(`could not make a MySQL data directory: ${String(error)}`, { cause: error });
  }
  await rename(draft, join(folder, 'files'));
}

/** @param files the data directory's name in `folder` */
function commonArguments({ baseDir }: MySqlInstallation, folder: string, files: string): string[] {
  return [
    '--no-defaults',
    ...(baseDir === undefined ? [] : [`--basedir=${baseDir}`]),
    `--datadir=${join(folder, files)}`,
    // A server that starts deletes what others have in a folder for temporary tables that it shares with them.
    `--tmpdir=${join(folder, 'tmp')}`,
  ];
}

/** Programs in a folder of root's that is shut to others: the server gets the folder opened. */
function withinReach(
  installation: MySqlInstallation,
  user: SystemUser | undefined,
): MySqlInstallation & { openFolder?: string } {
  const { baseDir, server } = installation;
  if (user === undefined || baseDir === undefined || !closedFolderOnTheWay(server, user)) return installation;
  const opened = '/proc/self/fd/3';
  return { ...installation, openFolder: baseDir, baseDir: opened, server: join(opened, relative(baseDir, server)) };
}

/**
 * Where the server's own user may keep its files: in `dataDir`, or, below a folder that is shut to it (such as /root),
 * in one of its own below /var/lib that `dataDir` is a link to then.
 */
function reachableFolder(dataDir: string, user: SystemUser): string {
  if (lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink()) {
    const folder = readlinkSync(dataDir);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
  if (closedFolderOnTheWay(dataDir, user) === undefined) return dataDir;
  const folder = join('/var/lib/threadweaver', createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  if (existsSync(dataDir)) {
    // Of a time when the server was root.
    const draft = `${folder}.draft`;
    cpSync(dataDir, draft, { recursive: true });
    renameSync(draft, folder);
    rmSync(dataDir, { recursive: true });
  } else mkdirSync(folder, { recursive: true, mode: 0o700 });
  symlinkSync(folder, dataDir);
  return folder;
}
