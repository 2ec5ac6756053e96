import type { Database } from '../../../../platform/mysql/database.js';
import { toError } from '../../../../platform/kernel/fault.js';
import type { ThreadRow } from './read-model-rows.js';
import { findThread, findThreads } from './thread-statements.js';

/** A thread that somebody asks for. */
interface Lookup {
  readonly accountId: string;
  readonly threadId: string;
  resolve(row: ThreadRow | undefined): void;
  reject(error: Error): void;
}

/** So many are looked up by one statement at most; each number of them is a statement of its own on each connection. */
const MAX_IN_STATEMENT = 16;

/**
 * Looks threads up for all calls of one turn of the event loop at once. A statement's way to the database and back costs
 * several times what the database does for it, so that under load a call takes half the CPU; one that comes alone waits
 * for nobody.
 */
export class ThreadLookups {
  #waiting: Lookup[] = [];

  constructor(private readonly database: Database) {}

  /** Undefined when the account does not see such a thread. @throws as `Database.rows` */
  find(accountId: string, threadId: string): Promise<ThreadRow | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ accountId, threadId, resolve, reject });
      // Behind what else has arrived by now.
      if (this.#waiting.length === 1) setImmediate(() => this.#lookUp());
    });
  }

  #lookUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < waiting.length; start += MAX_IN_STATEMENT) {
      void this.#lookUpTogether(waiting.slice(start, start + MAX_IN_STATEMENT));
    }
  }

  async #lookUpTogether(lookups: readonly Lookup[]): Promise<void> {
    try {
      const rows = await this.#rowsOf(lookups);
      for (const [place, { resolve }] of lookups.entries()) resolve(rows[place]);
    } catch (error) {
      for (const { reject } of lookups) reject(toError(error));
    }
  }

  /** Each lookup's row at its place. */
  async #rowsOf(lookups: readonly Lookup[]): Promise<readonly (ThreadRow | undefined)[]> {
    const [first] = lookups;
    if (first !== undefined && lookups.length === 1) {
      return this.database.rows<ThreadRow>(findThread, [first.threadId, first.accountId]);
    }
    const values = lookups.flatMap(({ threadId, accountId }, place) => [place, threadId, accountId]);
    const found = await this.database.rows<ThreadRow & { readonly place: number }>(findThreads(lookups.length), values);
    const rows = new Array<ThreadRow | undefined>(lookups.length);
    for (const row of found) rows[row.place] = row;
    return rows;
  }
}
