import { toError } from '../kernel/fault.js';
import { Database } from './database.js';

export interface DatabaseHealthOptions {
  readonly url: string;
  /** How often the database is asked for a sign of life. @default 2000 */
  readonly everyMs?: number;
  /** How long it may take to give one. @default 1000 */
  readonly timeoutMs?: number;
  /** Told at each change, and once at the start; the error says why it is not healthy. */
  readonly onChange: (isHealthy: boolean, error?: Error) => void;
}

/** Watches whether a database answers, over a connection of its own: a busy pool is not a dead database. */
export class DatabaseHealth {
  readonly #database: Database;
  #isHealthy: boolean | undefined;
  #trouble: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #checking: Promise<void> = Promise.resolve();

  constructor(private readonly options: DatabaseHealthOptions) {
    const timeoutMs = options.timeoutMs ?? 1_000;
    this.#database = new Database({
      url: options.url,
      maxConnections: 1,
      connectTimeoutMs: timeoutMs,
      acquireTimeoutMs: timeoutMs,
      statementTimeoutMs: timeoutMs,
    });
  }

  /** Whether it has answered the last time; undefined before the first. */
  get isHealthy(): boolean | undefined {
    return this.#isHealthy;
  }

  /** Why the database has not answered the last time, if it has not. */
  get trouble(): Error | undefined {
    return this.#trouble;
  }

  /** Resolves after the first check. */
  async start(): Promise<void> {
    await this.#check();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#checking;
    await this.#database.close();
  }

  async #check(): Promise<void> {
    this.#checking = this.#database.ping().then(
      () => this.#report(true),
      (thrown: unknown) => this.#report(false, toError(thrown)),
    );
    await this.#checking;
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#check(), this.options.everyMs ?? 2_000);
  }

  #report(isHealthy: boolean, error?: Error): void {
    this.#trouble = error;
    if (this.#isStopped || isHealthy === this.#isHealthy) return;
    this.#isHealthy = isHealthy;
    this.options.onChange(isHealthy, error);
  }
}
