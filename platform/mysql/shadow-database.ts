import { createConnection, type Connection } from 'mysql2/promise';
import { Fault, toError } from '../kernel/fault.js';
import { isTransientDatabaseError, toDatabaseError } from './database-errors.js';
import { connectionSettings } from './database.js';
import { migrateDatabase, type Migration } from './migrate-database.js';
import { bookkeepingTables, rebuildLockSql } from './projection-tables.js';

/** Without a sign of life from this process for so long, the server ends its session, and with it the lock. */
const SILENT_SECONDS = 20;
const ALIVE_EVERY_MS = 5_000;
/** So long a swap may wait for queries under way, in seconds, and so often it is tried. */
const SWAP_WAIT_SECONDS = 5;
const SWAP_TRIES = 5;

/**
 * A second database on the same server, `<name>__rebuild`, with the same tables, that a read model is made in anew, and
 * the lock that keeps two from doing so. Its session is the fence: what it holds, and whether it may swap, ends with it.
 */
export class ShadowDatabase {
  #alive: NodeJS.Timeout | undefined;

  private constructor(
    private readonly session: Connection,
    private readonly liveUrl: string,
    private readonly live: string,
  ) {}

  /**
   * Takes the lock.
   * @throws Fault reason REBUILD_RUNNING somebody else has it, or NOT_MIGRATED
   */
  static async open(liveUrl: string, migrations: readonly Migration[]): Promise<ShadowDatabase> {
    const session = await createConnection({ uri: liveUrl, ...connectionSettings, connectTimeout: 5_000 }).catch(
      (error: unknown) => {
        throw toDatabaseError(error);
      },
    );
    // Whoever waits for an answer of it hears of its end.
    session.on('error', () => undefined);
    const live = decodeURIComponent(new URL(liveUrl).pathname.slice(1));
    const shadow = new ShadowDatabase(session, liveUrl, live);
    try {
      await session.query(
        `SET SESSION wait_timeout = ${SILENT_SECONDS}, SESSION lock_wait_timeout = ${SWAP_WAIT_SECONDS}`,
      );
      const [[lock]] = (await session.query(`SELECT GET_LOCK(${rebuildLockSql}, 0) AS taken`)) as unknown as [
        { taken: number }[],
      ];
      if (lock?.taken !== 1) {
        throw new Fault('failed-precondition', 'REBUILD_RUNNING', 'another rebuild is under way; nothing was done');
      }
      await shadow.#assertMigrated(migrations);
    } catch (error) {
      session.destroy();
      throw error;
    }
    shadow.#alive = setInterval(() => void session.query('DO 1').catch(() => undefined), ALIVE_EVERY_MS);
    return shadow;
  }

  get url(): string {
    const url = new URL(this.liveUrl);
    url.pathname = `/${this.name}`;
    return url.href;
  }

  get name(): string {
    return `${this.live}__rebuild`;
  }

  get #replaced(): string {
    return `${this.live}__replaced`;
  }

  /** Makes it, empty; what an interrupted rebuild has left goes. @throws Fault reason NO_PRIVILEGE saying which */
  async create(migrations: readonly Migration[]): Promise<void> {
    await this.drop();
    try {
      for (const name of [this.name, this.#replaced]) {
        await this.session.query(`CREATE DATABASE ${quoted(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
      }
    } catch (error) {
      throw toPrivilegeFault(error, this.live);
    }
    await migrateDatabase({ url: this.url, migrations, report: () => undefined });
  }

  /** Removes it, and what it has replaced. */
  async drop(): Promise<void> {
    for (const name of [this.name, this.#replaced]) {
      await this.session.query(`DROP DATABASE IF EXISTS ${quoted(name)}`).catch((error: unknown) => {
        throw toPrivilegeFault(error, this.live);
      });
    }
  }

  /**
   * Puts all its tables but those of the bookkeeping in the place of the live ones, in one statement: a reader sees
   * either all old ones or all new ones, and so does whoever comes after a crash.
   *
   * @throws Fault reason TABLES_DIFFER; or `unavailable` when queries do not make room; nothing was swapped
   */
  async swap(): Promise<void> {
    const [tables, present] = [await this.#tablesOf(this.name), await this.#tablesOf(this.live)];
    if (tables.length === 0 || tables.join() !== present.join()) {
      const message = `the tables differ: ${present.join(', ')} in ${this.live}, ${tables.join(', ')} in ${this.name}`;
      throw new Fault('failed-precondition', 'TABLES_DIFFER', message);
    }
    const renames = tables.flatMap((table) => [
      `${quoted(this.live, table)} TO ${quoted(this.#replaced, table)}`,
      `${quoted(this.name, table)} TO ${quoted(this.live, table)}`,
    ]);
    for (let left = SWAP_TRIES; ; left -= 1) {
      try {
        await this.session.query(`RENAME TABLE ${renames.join(', ')}`);
        return;
      } catch (error) {
        if (left <= 1 || !isTransientDatabaseError(error)) throw toPrivilegeFault(error, this.live);
      }
    }
  }

  /** Gives the lock back. */
  close(): void {
    clearInterval(this.#alive);
    this.session.destroy();
  }

  async #tablesOf(database: string): Promise<string[]> {
    const [rows] = (await this.session.query(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
      [database],
    )) as unknown as [{ name: string }[]];
    const bookkeeping: readonly string[] = bookkeepingTables;
    return rows
      .map(({ name }) => name)
      .filter((name) => !bookkeeping.includes(name))
      .sort();
  }

  async #assertMigrated(migrations: readonly Migration[]): Promise<void> {
    const [rows] = (await this.session.query('SELECT name FROM schema_migrations')) as unknown as [{ name: string }[]];
    const done = new Set(rows.map(({ name }) => name));
    const names = migrations.map(({ name }) => name);
    if (done.size === names.length && names.every((name) => done.has(name))) return;
    const message = `the schema of ${this.live} is not the one of this program: run its migrations first, or its own version`;
    throw new Fault('failed-precondition', 'NOT_MIGRATED', message);
  }
}

function quoted(...names: string[]): string {
  return names.map((name) => `\`${name.replaceAll('`', '``')}\``).join('.');
}

function toPrivilegeFault(thrown: unknown, live: string): Error {
  const { errno } = thrown as { errno?: number };
  if (errno !== 1044 && errno !== 1142 && errno !== 1227) return toDatabaseError(thrown);
  const names = [`${live}__rebuild`, `${live}__replaced`].map((name) => `\`${name}\`.*`);
  const grants = names.map((name) => `GRANT ALL ON ${name} TO …`).join('; ');
  const message = `the account may not make a second database: ${toError(thrown).message}. Needed: ${grants}`;
  return new Fault('failed-precondition', 'NO_PRIVILEGE', message, { cause: thrown });
}
