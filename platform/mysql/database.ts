import { createPool, type Pool, type PoolConnection, type QueryOptions } from 'mysql2';
import { Fault, toError } from '../kernel/fault.js';
import { isConnectionLost, isEndedByServer, toDatabaseError } from './database-errors.js';

export interface DatabaseOptions {
  /** `mysql://user:password@host:port/database`, with mysql2's options as query parameters. */
  readonly url: string;
  /** Connections at most. @default 10 */
  readonly maxConnections?: number;
  /** How long opening a connection may take. @default 2000 */
  readonly connectTimeoutMs?: number;
  /** How long a call may wait for a free connection. @default 2000 */
  readonly acquireTimeoutMs?: number;
  /** How long one statement may take: the server ends it a little earlier, else its connection is given up. @default 5000 */
  readonly statementTimeoutMs?: number;
  /**
   * A session from which the server hears nothing for so long, even in a transaction, is ended by it, and a statement
   * waits no longer for a row's lock: a process that is paused in a transaction does not hold up others. In seconds.
   * @default as the server is set
   */
  readonly abandonAfterSeconds?: number;
  /** Why the database is known to be away, if it is: then nothing waits for it. @default never known */
  readonly whyAway?: () => Error | undefined;
}

/** A value of a statement. Lists of lists are the rows of `VALUES ?`, lists those of `IN (?)`; only `tx.run` takes them. */
export type SqlValue =
  string | number | null | Uint8Array | readonly (string | number)[] | readonly (readonly (string | number | null)[])[];

/** Statements within one transaction. */
export interface Transaction {
  /** A SELECT's rows. Prepared, unless a value is a list. */
  rows<Row>(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /**
   * `isPrepared` false is for a text that hardly comes twice. @default true, unless a value is a list
   * @returns how many rows matched (UPDATE), were inserted or deleted
   */
  run(sql: string, values?: readonly SqlValue[], options?: { readonly isPrepared?: boolean }): Promise<number>;
}

const unprepared = { isPrepared: false };
const sessionSettings = [
  // Values are escaped with backslashes, and what does not fit is an error, not cut off.
  "SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'",
  // No gap locks: writers of other rows do not wait.
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

/** The server's share of a statement's time: it ends the work before the connection is given up, which would not. */
const SERVER_SHARE = 0.9;

/**
 * Has the server end statements by itself. Each of the two heeds its own comment: MariaDB `M!`, and MySQL those of its
 * versions from 8.0 on, which MariaDB passes over (https://mariadb.com/kb/en/comment-syntax/). MySQL limits SELECTs only.
 */
function serverTimeLimit(ms: number): string {
  const [seconds, whole] = [ms / 1_000, Math.max(1, Math.round(ms))];
  return `SET @limited = 1 /*M! , SESSION max_statement_time = ${seconds} */ /*!80000 , SESSION max_execution_time = ${whole} */`;
}

/** The same for one SELECT. */
function limited(select: string, ms: number): string {
  const rest = select.replace(/^SELECT/, '');
  return `/*M! SET STATEMENT max_statement_time = ${ms / 1_000} FOR */ SELECT /*+ MAX_EXECUTION_TIME(${Math.max(1, Math.round(ms))}) */ ${rest}`;
}

/**
 * A pool of connections to a MySQL or MariaDB database, utf8mb4 and UTC, with bounded waits. What may pass is thrown
 * as Fault kind `unavailable`, reason DATABASE_UNAVAILABLE.
 */
export class Database {
  readonly #pool: Pool;
  readonly #acquireTimeoutMs: number;
  readonly #statementTimeoutMs: number;
  /** An idle connection may have been ended by the server after so long. */
  readonly #maxIdleMs: number;
  readonly #lastUsed = new WeakMap<PoolConnection, number>();
  readonly #whyAway: () => Error | undefined;
  readonly maxConnections: number;
  #inUse = 0;
  #waiting = 0;

  constructor(options: DatabaseOptions) {
    this.maxConnections = options.maxConnections ?? 10;
    this.#acquireTimeoutMs = options.acquireTimeoutMs ?? 2_000;
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
    const { abandonAfterSeconds } = options;
    // The server's clock runs from the end of the last statement; ours a little earlier.
    this.#maxIdleMs = abandonAfterSeconds === undefined ? Infinity : abandonAfterSeconds * 500;
    const settings = [...sessionSettings, serverTimeLimit(this.#statementTimeoutMs * SERVER_SHARE)];
    if (abandonAfterSeconds !== undefined) {
      const seconds = Math.ceil(abandonAfterSeconds);
      const names = ['wait_timeout', 'net_read_timeout', 'net_write_timeout'];
      const values = names.map((name) => `SESSION ${name} = ${seconds}`);
      // Before our own time-out, which costs the connection.
      settings.push(`SET ${values.join(', ')}, SESSION innodb_lock_wait_timeout = ${Math.max(1, seconds - 1)}`);
    }
    this.#whyAway = options.whyAway ?? (() => undefined);
    this.#pool = createPool({
      uri: options.url,
      ...connectionSettings,
      connectionLimit: this.maxConnections,
      connectTimeout: options.connectTimeoutMs ?? 2_000,
      enableKeepAlive: true,
      maxPreparedStatements: 500,
    });
    this.#pool.on('connection', (connection) => prepareSession(connection, settings));
  }

  /** Connections that a statement or transaction has now. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Statements and transactions that wait for a connection now. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A SELECT's rows, prepared once a connection. Repeated once when the connection turns out to be dead. */
  async rows<Row>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    try {
      try {
        return await this.#read<Row>(sql, values);
      } catch (error) {
        if (!isConnectionLost(error) || isTimeout(error)) throw error;
        return await this.#read<Row>(sql, values);
      }
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  /**
   * As `rows`, unless the server needs longer than `limitMs`, which it looks at now and then: then undefined.
   * @param select begins with SELECT
   */
  async rowsWithin<Row>(limitMs: number, select: string, values: readonly SqlValue[] = []): Promise<Row[] | undefined> {
    try {
      return await this.rows<Row>(limited(select, limitMs), values);
    } catch (error) {
      if (error instanceof Fault && isEndedByServer(error.cause)) return undefined;
      throw error;
    }
  }

  /** One transaction: all of `work`, or nothing of it when it throws. */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#use(async (connection) => {
        await this.#statement(connection, 'START TRANSACTION', [], unprepared);
        try {
          const result = await work({
            rows: <Row>(sql: string, values: readonly SqlValue[] = []) =>
              this.#statement<Row[]>(connection, sql, values),
            run: async (sql, values = [], options = {}) =>
              (await this.#statement<{ affectedRows: number }>(connection, sql, values, options)).affectedRows,
          });
          await this.#statement(connection, 'COMMIT', [], unprepared);
          return result;
        } catch (error) {
          // A connection that cannot roll back is given up, which rolls back too.
          if (!isConnectionLost(error)) {
            await this.#statement(connection, 'ROLLBACK', [], unprepared).catch(() => connection.destroy());
          }
          throw error;
        }
      });
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  /** Asks for a sign of life. @throws Fault kind `unavailable` */
  async ping(): Promise<void> {
    await this.rows('SELECT 1');
  }

  /** Closes all connections; statements under way fail. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#pool.end(() => resolve()));
  }

  /** A statement on a connection of its own: on the path of each query, so by callbacks and with a single promise. */
  #read<Row>(sql: string, values: readonly SqlValue[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.#acquire((connection) => {
        if (connection instanceof Error) return reject(connection);
        this.#run<Row[]>(connection, sql, values, !values.some(isList), (error, rows) => {
          this.#release(connection, error);
          if (error === undefined) resolve(rows as Row[]);
          else reject(error);
        });
      });
    });
  }

  async #use<T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> {
    const connection = await new Promise<PoolConnection>((resolve, reject) => {
      this.#acquire((acquired) => (acquired instanceof Error ? reject(acquired) : resolve(acquired)));
    });
    try {
      const result = await work(connection);
      this.#release(connection, undefined);
      return result;
    } catch (error) {
      this.#release(connection, toError(error));
      throw error;
    }
  }

  #release(connection: PoolConnection, error: Error | undefined): void {
    this.#inUse -= 1;
    if (error !== undefined && isConnectionLost(error)) return connection.destroy();
    if (this.#maxIdleMs !== Infinity) this.#lastUsed.set(connection, performance.now());
    connection.release();
  }

  /** Gives a connection, or why there is none. */
  #acquire(done: (connection: PoolConnection | Error) => void): void {
    const away = this.#whyAway();
    if (away !== undefined) return done(away);
    this.#waiting += 1;
    this.#acquireAny((connection) => {
      this.#waiting -= 1;
      if (connection instanceof Error) return done(connection);
      if (this.#isOutdated(connection)) {
        connection.destroy();
        return this.#acquire(done);
      }
      this.#inUse += 1;
      done(connection);
    });
  }

  #isOutdated(connection: PoolConnection): boolean {
    if (this.#maxIdleMs === Infinity) return false;
    return performance.now() - (this.#lastUsed.get(connection) ?? Infinity) >= this.#maxIdleMs;
  }

  #acquireAny(done: (connection: PoolConnection | Error) => void): void {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      done(timeout('no database connection was free'));
    }, this.#acquireTimeoutMs);
    this.#pool.getConnection((error, connection) => {
      if (isLate) {
        if (!error) connection.release();
        return;
      }
      clearTimeout(timer);
      done(error ? toError(error) : connection);
    });
  }

  #statement<Result>(
    connection: PoolConnection,
    sql: string,
    values: readonly SqlValue[],
    { isPrepared = !values.some(isList) } = {},
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#run<Result>(connection, sql, values, isPrepared, (error, result) => {
        if (error === undefined) resolve(result as Result);
        else reject(error);
      });
    });
  }

  #run<Result>(
    connection: PoolConnection,
    sql: string,
    values: readonly SqlValue[],
    isPrepared: boolean,
    done: (error: Error | undefined, result?: Result) => void,
  ): void {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      connection.destroy();
      done(timeout('a statement took too long'));
    }, this.#statementTimeoutMs);
    const settle = (error: unknown, result: unknown): void => {
      if (isLate) return;
      clearTimeout(timer);
      if (error) done(toError(error));
      else done(undefined, result as Result);
    };
    const statement = { sql, values } as QueryOptions;
    try {
      // Lists change a statement's text with their length: not worth preparing.
      if (isPrepared) connection.execute(statement, settle);
      else connection.query(statement, settle);
    } catch (error) {
      // Values of types that no statement takes.
      settle(error, undefined);
    }
  }
}

/** What every connection to the database needs, whoever opens it. */
export const connectionSettings = {
  charset: 'UTF8MB4_BIN',
  timezone: 'Z',
  supportBigNumbers: true,
} as const;

function prepareSession(connection: PoolConnection, settings: readonly string[]): void {
  for (const setting of settings) {
    // Queued before whatever the connection was opened for.
    connection.query(setting, (error) => {
      if (error) connection.destroy();
    });
  }
}

function isList(value: SqlValue): boolean {
  return Array.isArray(value);
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { code: 'DATABASE_TIMEOUT' });
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'DATABASE_TIMEOUT';
}
