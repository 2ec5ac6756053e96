import { setTimeout as delay } from 'node:timers/promises';
import knex, { type Knex } from 'knex';
import { createConnection, type Connection } from 'mysql2/promise';
import { Fault } from '../kernel/fault.js';
import { Backoff } from '../process/backoff.js';
import { connectionSettings } from './database.js';
import { isTransientDatabaseError, isUnknownDatabase } from './database-errors.js';

/**
 * One step of a schema. A name is never changed or reused once released. MySQL commits each definition of a table by
 * itself, so a step must bear being repeated after an interrupted run.
 */
export interface Migration extends Knex.Migration {
  /** Sorts and identifies it, such as `0001-read-model`. */
  readonly name: string;
}

export interface MigrateOptions {
  readonly url: string;
  /** In their order. */
  readonly migrations: readonly Migration[];
  /** How long to wait for the database to answer, and for another run to end. @default 60000 */
  readonly waitMs?: number;
  /** Told of each thing done or waited for, for a person. */
  readonly report: (message: string) => void;
}

/**
 * Brings the database of the URL to the newest schema: waits until the server answers, creates the database when it is
 * absent, and runs the migrations that it lacks. Runs at the same time wait for one another. Those of a newer version,
 * which are not among `migrations`, stay.
 *
 * @returns names of the migrations that this run has done
 * @throws Fault kind `unavailable` no answer, no permission or no end of another run within `waitMs`
 */
export async function migrateDatabase({
  url,
  migrations,
  waitMs = 60_000,
  report,
}: MigrateOptions): Promise<readonly string[]> {
  const until = performance.now() + waitMs;
  const guard = await connectWhenReady(url, until, report);
  try {
    const database = await useDatabase(guard, url, report);
    await takeLock(guard, database, until, report);
    return await runMigrations(url, migrations, report);
  } finally {
    // Else the server would free the lock only when it notices that the session has ended, and the next run would wait.
    await guard.query({ sql: 'DO RELEASE_ALL_LOCKS()', timeout: 1_000 }).catch(() => undefined);
    guard.destroy();
  }
}

/**
 * Waits until somebody else's run has done all of these migrations. It changes nothing, and needs no more than to read
 * the table of migrations. A database that is ahead, by a newer version's migrations, will do.
 *
 * @throws Fault kind `unavailable`, reason NOT_MIGRATED or DATABASE_UNAVAILABLE, when it is not there within `waitMs`
 */
export async function waitForMigrations({ url, migrations, waitMs = 60_000, report }: MigrateOptions): Promise<void> {
  const until = performance.now() + waitMs;
  const session = await connectWhenReady(url, until, report);
  try {
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000 });
    let reported: string | undefined;
    for (;;) {
      const done = await migrationsDone(session, url);
      const missing = migrations.map(({ name }) => name).filter((name) => !done.has(name));
      if (missing.length === 0) return report('the schema is there');
      const message = `the schema lacks ${missing.join(', ')}`;
      if (performance.now() >= until) throw new Fault('unavailable', 'NOT_MIGRATED', message);
      if (message !== reported) report(`waiting: ${message}`);
      reported = message;
      await delay(backoff.next());
    }
  } finally {
    session.destroy();
  }
}

async function migrationsDone(session: Connection, url: string): Promise<ReadonlySet<string>> {
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  const [tables] = (await session.query(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = 'schema_migrations'",
    [database],
  )) as unknown as [unknown[]];
  if (tables.length === 0) return new Set();
  const [rows] = (await session.query(
    `SELECT name FROM ${session.escapeId(database)}.schema_migrations`,
  )) as unknown as [{ name: string }[]];
  return new Set(rows.map(({ name }) => name));
}

/** A connection to the server, without a database: it may not be there yet. */
async function connectWhenReady(url: string, until: number, report: (message: string) => void): Promise<Connection> {
  const server = new URL(url);
  server.pathname = '/';
  const backoff = new Backoff({ firstMs: 50, maxMs: 1_000 });
  let reported: string | undefined;
  for (;;) {
    try {
      return await createConnection({ uri: server.href, ...connectionSettings, connectTimeout: 2_000 });
    } catch (error) {
      const { message } = error as Error;
      if (!isTransientDatabaseError(error) || performance.now() >= until) {
        throw new Fault('unavailable', 'DATABASE_UNAVAILABLE', `no database at ${server.host}: ${message}`, {
          cause: error,
        });
      }
      if (message !== reported) report(`waiting for the database at ${server.host}: ${message}`);
      reported = message;
      await delay(backoff.next());
    }
  }
}

async function useDatabase(guard: Connection, url: string, report: (message: string) => void): Promise<string> {
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  if (!/^[\w$-]{1,64}$/.test(database)) {
    throw new Fault('failed-precondition', 'INVALID_SETTING', `the URL names no database: ${JSON.stringify(database)}`);
  }
  try {
    await guard.query(`USE \`${database}\``);
  } catch (error) {
    if (!isUnknownDatabase(error)) throw error;
    await guard.query(`CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
    report(`created database ${database}`);
  }
  return database;
}

async function takeLock(
  guard: Connection,
  database: string,
  until: number,
  report: (message: string) => void,
): Promise<void> {
  const name = `migrate ${database}`.slice(0, 64);
  if (await lock(guard, name, 0)) return;
  report('waiting for another run of the migrations');
  if (await lock(guard, name, Math.max(1, Math.ceil((until - performance.now()) / 1_000)))) return;
  throw new Fault('unavailable', 'MIGRATION_RUNNING', 'another run of the migrations does not end');
}

async function lock(guard: Connection, name: string, seconds: number): Promise<boolean> {
  const [rows] = await guard.query('SELECT GET_LOCK(?, ?) AS taken', [name, seconds]);
  return (rows as { taken: number }[])[0]?.taken === 1;
}

async function runMigrations(
  url: string,
  migrations: readonly Migration[],
  report: (message: string) => void,
): Promise<readonly string[]> {
  const source: Knex.MigrationSource<Migration> = {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: ({ name }) => name,
    getMigration: (migration) => Promise.resolve(migration),
  };
  const database = knex({
    client: 'mysql2',
    connection: { uri: url, ...connectionSettings, charset: 'utf8mb4' } as Knex.MySql2ConnectionConfig,
    pool: { min: 0, max: 2 },
    acquireConnectionTimeout: 5_000,
  });
  try {
    const config: Knex.MigratorConfig = {
      migrationSource: source,
      tableName: 'schema_migrations',
      disableTransactions: true,
      // Rolled back, an older version finds the migrations of a newer one, and leaves them.
      disableMigrationsListValidation: true,
    };
    // Ours is the only run, so a lock that is there belongs to one that was killed.
    await database.migrate.forceFreeMigrationsLock(config);
    const [, done] = (await database.migrate.latest(config)) as [number, string[]];
    for (const name of done) report(`migrated ${name}`);
    if (done.length === 0) report('the schema is up to date');
    return done;
  } finally {
    await database.destroy();
  }
}
