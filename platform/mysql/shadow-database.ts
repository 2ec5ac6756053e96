import { createConnection, type Connection } from 'mysql2/promise';
import { Fault, toError } from '../kernel/fault.js';
import { isTransientDatabaseError, toDatabaseError } from './database-errors.js';
import { connectionSettings } from './database.js';
import { migrateDatabase } from './migrate-database.js';
import type { ProjectionDeclaration } from './projection-declaration.js';
import { isMigrationOf, rebuildDatabases, rebuildLockSql } from './projection-namespace.js';
import { bookkeepingTables, migrationsOf } from './projection-tables.js';

/** Without a sign of life from this process for so long, the server ends its session, and with it the lock. */
const SILENT_SECONDS = 20;
const ALIVE_EVERY_MS = 5_000;
/** So long a swap may wait for queries under way, in seconds, and so often it is tried. */
const SWAP_WAIT_SECONDS = 5;
const SWAP_TRIES = 5;

/**
 * A second database on the same server, `<name>__rebuild`, with a projection's own tables, that these are made in anew,
 * and the lock that keeps two from doing so. Its session is the fence: what it holds, and whether it may swap, ends with it.
 */
export class ShadowDatabase {
  readonly #live: string;
  readonly #name: string;
  readonly #replaced: string;
  #alive: NodeJS.Timeout | undefined;

  private constructor(
    private readonly session: Connection,
    private readonly liveUrl: string,
    private readonly projection: ProjectionDeclaration,
  ) {
    this.#live = decodeURIComponent(new URL(liveUrl).pathname.slice(1));
    ({ shadow: this.#name, replaced: this.#replaced } = rebuildDatabases(projection, this.#live));
  }

  /**
   * Takes the lock.
   * @throws Fault reason REBUILD_RUNNING somebody else has it, or NOT_MIGRATED
   */
  static async open(liveUrl: string, projection: ProjectionDeclaration): Promise<ShadowDatabase> {
    const session = await createConnection({ uri: liveUrl, ...connectionSettings, connectTimeout: 5_000 }).catch(
      (error: unknown) => {
        throw toDatabaseError(error);
      },
    );
    // Whoever waits for an answer of it hears of its end.
    session.on('error', () => undefined);
    const shadow = new ShadowDatabase(session, liveUrl, projection);
    try {
      await session.query(
        `SET SESSION wait_timeout = ${SILENT_SECONDS}, SESSION lock_wait_timeout = ${SWAP_WAIT_SECONDS}`,
      );
      const [[lock]] = (await session.query(
        `SELECT GET_LOCK(${rebuildLockSql(projection)}, 0) AS taken`,
      )) as unknown as [{ taken: number }[]];
      if (lock?.taken !== 1) {
        throw new Fault('failed-precondition', 'REBUILD_RUNNING', 'another rebuild is under way; nothing was done');
      }
      await shadow.#assertMigrated();
    } catch (error) {
      session.destroy();
      throw error;
    }
    shadow.#alive = setInterval(() => void session.query('DO 1').catch(() => undefined), ALIVE_EVERY_MS);
    return shadow;
  }

  get url(): string {
    const url = new URL(this.liveUrl);
    url.pathname = `/${this.#name}`;
    return url.href;
  }

  /** Makes it, empty; what an interrupted rebuild has left goes. @throws Fault reason NO_PRIVILEGE saying which */
  async create(): Promise<void> {
    await this.drop();
    try {
      for (const name of [this.#name, this.#replaced]) {
        await this.session.query(`CREATE DATABASE ${quoted(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
      }
    } catch (error) {
      throw this.#toPrivilegeFault(error);
    }
    await migrateDatabase({ url: this.url, migrations: migrationsOf(this.projection), report: () => undefined });
  }

  /** Removes it, and what it has replaced. */
  async drop(): Promise<void> {
    for (const name of [this.#name, this.#replaced]) {
      await this.session.query(`DROP DATABASE IF EXISTS ${quoted(name)}`).catch((error: unknown) => {
        throw this.#toPrivilegeFault(error);
      });
    }
  }

  /**
   * Puts the projection's tables in the place of the live ones, in one statement: a reader sees either all old ones or
   * all new ones, and so does whoever comes after a crash. Other tables of the live database stay as they are.
   *
   * @throws Fault reason TABLES_DIFFER; or `unavailable` when queries do not make room; nothing was swapped
   */
  async swap(): Promise<void> {
    const tables = [...this.projection.tables].sort();
    const made = await this.#tablesOf(this.#name);
    const present = (await this.#tablesOf(this.#live)).filter((table) => tables.includes(table));
    if (tables.length === 0 || tables.join() !== present.join() || tables.join() !== made.join()) {
      const message = `the tables differ: ${present.join(', ')} in ${this.#live}, ${made.join(', ')} in ${this.#name}`;
      throw new Fault('failed-precondition', 'TABLES_DIFFER', message);
    }
    const renames = tables.flatMap((table) => [
      `${quoted(this.#live, table)} TO ${quoted(this.#replaced, table)}`,
      `${quoted(this.#name, table)} TO ${quoted(this.#live, table)}`,
    ]);
    // Projections share the table of dead letters, so it is not swapped. Without any of theirs, projectors find what is
    // behind and park it anew: that is what a crash in between leaves.
    await this.session.query(
      `CREATE TABLE ${quoted(this.#replaced, 'dead_letters')} LIKE ${quoted(this.#live, 'dead_letters')}`,
    );
    await this.#moveDeadLetters(this.#live, this.#replaced);
    for (let left = SWAP_TRIES; ; left -= 1) {
      try {
        await this.session.query(`RENAME TABLE ${renames.join(', ')}`);
        break;
      } catch (error) {
        if (left > 1 && isTransientDatabaseError(error)) continue;
        await this.#moveDeadLetters(this.#replaced, this.#live);
        throw this.#toPrivilegeFault(error);
      }
    }
    await this.#moveDeadLetters(this.#name, this.#live);
  }

  /** The projection's, in one transaction. */
  async #moveDeadLetters(from: string, to: string): Promise<void> {
    const columns = 'projection, aggregate_id, version, partition_number, command_type, request_id, error, parked_at';
    const [source, target] = [quoted(from, 'dead_letters'), quoted(to, 'dead_letters')];
    const { name } = this.projection;
    await this.session.beginTransaction();
    await this.session.query(
      `INSERT INTO ${target} (${columns}) SELECT ${columns} FROM ${source} WHERE projection = ?`,
      [name],
    );
    await this.session.query(`DELETE FROM ${source} WHERE projection = ?`, [name]);
    await this.session.commit();
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

  async #assertMigrated(): Promise<void> {
    const [rows] = (await this.session.query('SELECT name FROM schema_migrations')) as unknown as [{ name: string }[]];
    const done = new Set(rows.map(({ name }) => name).filter((name) => isMigrationOf(this.projection, name)));
    const names = migrationsOf(this.projection).map(({ name }) => name);
    if (done.size === names.length && names.every((name) => done.has(name))) return;
    const message = `the schema of ${this.#live} is not the one of this program: run its migrations first, or its own version`;
    throw new Fault('failed-precondition', 'NOT_MIGRATED', message);
  }

  #toPrivilegeFault(thrown: unknown): Error {
    const { errno } = thrown as { errno?: number };
    if (errno !== 1044 && errno !== 1142 && errno !== 1227) return toDatabaseError(thrown);
    const grants = [this.#name, this.#replaced].map((name) => `GRANT ALL ON \`${name}\`.* TO …`).join('; ');
    const message = `the account may not make a second database: ${toError(thrown).message}. Needed: ${grants}`;
    return new Fault('failed-precondition', 'NO_PRIVILEGE', message, { cause: thrown });
  }
}

function quoted(...names: string[]): string {
  return names.map((name) => `\`${name.replaceAll('`', '``')}\``).join('.');
}
