import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../../platform/mysql/database.js';

/** Something that was signed out. */
export interface Revocation {
  readonly accountId: string;
  /** Null: all devices of the account. */
  readonly deviceId: string | null;
  /** Epoch milliseconds. */
  readonly revokedAt: number;
}

interface Row extends Revocation {
  readonly sequence: number;
}

/** News after a place, and the place to resume after. */
export interface RevocationNews {
  readonly place: number;
  readonly revocations: readonly Revocation[];
}

/** Transactions end within this, in milliseconds: a lower sequence may come after a higher one, but not later. */
const LATE_MS = 10_000;
const MOST_AT_ONCE = 1_000;

/**
 * What was signed out on whichever instance, read from where it is written with the deed, so that none is missed. What
 * begins to be watched, or is resumed, may come twice.
 */
export class MySqlRevocations {
  /** @param everyMs how often it looks. @default 250 */
  constructor(
    private readonly database: Database,
    private readonly everyMs = 250,
  ) {}

  /** @param after undefined: from now on. The first news come at once and may be none */
  async *watch(after: number | undefined, signal: AbortSignal): AsyncIterable<RevocationNews> {
    // All up to `place` are told; beyond it, those in `told`.
    let place = after ?? (await this.#lastPlace());
    let told = new Set(after === undefined ? (await this.#rowsAfter(place)).map(({ sequence }) => sequence) : []);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const rows = await this.#rowsAfter(place);
      const revocations = rows.filter(({ sequence }) => !told.has(sequence));
      const settled = rows.filter(({ revokedAt }) => revokedAt < Date.now() - LATE_MS);
      // When there is more than one look shows, it goes on from its end.
      const upTo = rows.length === MOST_AT_ONCE ? rows.at(-1) : settled.at(-1);
      if (upTo !== undefined) place = upTo.sequence;
      told = new Set(rows.map(({ sequence }) => sequence).filter((sequence) => sequence > place));
      if (isFirst || revocations.length > 0) yield { place, revocations };
      if (rows.length < MOST_AT_ONCE) await delay(this.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Before all that may still be followed by a lower sequence. */
  async #lastPlace(): Promise<number> {
    const [row] = await this.database.rows<{ place: number | null }>(
      'SELECT MAX(sequence) AS place FROM revocations WHERE revoked_at < ?',
      [Date.now() - LATE_MS],
    );
    return row?.place ?? 0;
  }

  #rowsAfter(place: number): Promise<Row[]> {
    return this.database.rows<Row>(
      `SELECT sequence, account_id AS accountId, device_id AS deviceId, revoked_at AS revokedAt FROM revocations
      WHERE sequence > ? ORDER BY sequence LIMIT ${MOST_AT_ONCE}`,
      [place],
    );
  }
}
