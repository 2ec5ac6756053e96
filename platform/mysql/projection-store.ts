import type { Commit } from '../journal/journal.js';
import {
  CheckpointMoved,
  type ParkedCommit,
  type ProjectionChange,
  type ProjectionCheckpoint,
  type ProjectionStore,
} from '../projection/projection-store.js';
import type { ProjectionLayout } from './projection-layout.js';
import { isPausedSql, type ProjectionIdentity } from './projection-namespace.js';
import { isTransientDatabaseError, toDatabaseError } from './database-errors.js';
import type { Database, Transaction } from './database.js';

/** What a read model does with commits; the store knows checkpoint and dead letters only. */
export interface ProjectedRows {
  /** SQL that gives `id` and `version` of the aggregates in its one value, a list of ids. */
  readonly versionsStatement: string;
  /**
   * Writes what the commits mean. An aggregate's versions ascend without gaps from the one its rows have.
   * @throws Error when a commit cannot be projected
   */
  apply(transaction: Transaction, commits: readonly Commit[]): Promise<void>;
}

export interface MySqlProjectionStoreOptions {
  readonly projection: ProjectionIdentity;
  /** Which part of the feed this is about. @default 0 */
  readonly partition?: number;
  /** All parts, which are made when they are not there. @default that the partition needs none */
  readonly layout?: ProjectionLayout;
}

interface CheckpointRow {
  readonly feedIdentity: string;
  readonly sequence: number;
  readonly revision: number;
  readonly partitions: number;
  readonly isPaused: 0 | 1;
}

/** A projection's checkpoint, dead letters and rows in one database; `projectionTables` makes the first two, `projectionOperations` adds what operators need. */
export class MySqlProjectionStore implements ProjectionStore {
  readonly #key: readonly [string, number];
  readonly #layout: ProjectionLayout | undefined;
  readonly #isPausedSql: string;

  constructor(
    private readonly database: Database,
    private readonly rows: ProjectedRows,
    { projection, partition = 0, layout }: MySqlProjectionStoreOptions,
  ) {
    this.#key = [projection.name, partition];
    this.#isPausedSql = isPausedSql(projection);
    this.#layout = layout;
  }

  async loadCheckpoint(): Promise<ProjectionCheckpoint> {
    const row = await this.#checkpointRow();
    if (this.#layout === undefined || row?.partitions === this.#layout.count) return checkpointOf(row);
    await this.#layout.ensure();
    return checkpointOf(await this.#checkpointRow());
  }

  async #checkpointRow(): Promise<CheckpointRow | undefined> {
    const [row] = await this.database.rows<CheckpointRow>(
      `SELECT feed_identity AS feedIdentity, feed_sequence AS sequence, fence AS revision, partitions,
        ${this.#isPausedSql} AS isPaused
      FROM projection_checkpoints WHERE projection = ? AND partition_number = ?`,
      this.#key,
    );
    return row;
  }

  async loadVersions(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (aggregateIds.length === 0) return new Map();
    const found = await this.database.rows<{ id: string; version: number }>(this.rows.versionsStatement, [
      aggregateIds,
    ]);
    return new Map(found.map(({ id, version }) => [id, version]));
  }

  async loadParkedVersions(): Promise<ReadonlyMap<string, number>> {
    const found = await this.database.rows<{ id: string; version: number }>(
      `SELECT aggregate_id AS id, MAX(version) AS version FROM dead_letters
      WHERE projection = ? AND partition_number = ? GROUP BY aggregate_id`,
      this.#key,
    );
    return new Map(found.map(({ id, version }) => [id, version]));
  }

  async save(
    { commits, parked, position }: ProjectionChange,
    seen: ProjectionCheckpoint,
  ): Promise<ProjectionCheckpoint> {
    const { feedIdentity, sequence } = position;
    const saved = { feedIdentity, sequence, revision: seen.revision + 1, isPaused: false };
    try {
      await this.database.transaction(async (transaction) => {
        await this.#moveCheckpoint(transaction, saved, commits.length);
        if (commits.length > 0) await this.rows.apply(transaction, commits);
        if (parked.length > 0) await this.#insertDeadLetters(transaction, parked);
      });
    } catch (error) {
      throw isTransientDatabaseError(error) ? toDatabaseError(error) : error;
    }
    return saved;
  }

  /** First in the transaction: the row's lock keeps every other projector of this partition out. */
  async #moveCheckpoint(
    transaction: Transaction,
    { feedIdentity, sequence, revision }: ProjectionCheckpoint,
    commits: number,
  ): Promise<void> {
    if (revision === 1) {
      // The row is not there yet, unless another projector was faster.
      await transaction.run(
        `INSERT INTO projection_checkpoints (projection, partition_number, feed_identity, feed_sequence, fence, updated_at)
        VALUES (?, ?, '', 0, 0, 0) ON DUPLICATE KEY UPDATE projection = VALUES(projection)`,
        this.#key,
      );
    }
    const matched = await transaction.run(
      // Whoever saves has seen that no pause holds; one that comes later raises the fence.
      `UPDATE projection_checkpoints SET feed_identity = ?, feed_sequence = ?, fence = ?, updated_at = ?,
        projected_commits = projected_commits + ?, paused_by = NULL, paused_at = NULL
      WHERE projection = ? AND partition_number = ? AND fence = ?`,
      [feedIdentity, sequence, revision, Date.now(), commits, ...this.#key, revision - 1],
    );
    if (matched !== 1) throw new CheckpointMoved();
  }

  async #insertDeadLetters(transaction: Transaction, parked: readonly ParkedCommit[]): Promise<void> {
    const [projection, partition] = this.#key;
    const parkedAt = Date.now();
    const rows = parked.map(({ aggregateId, version, commandType, requestId, error }) => [
      projection,
      aggregateId,
      version,
      partition,
      commandType.slice(0, 255),
      requestId.slice(0, 255),
      error?.slice(0, 10_000) ?? null,
      parkedAt,
    ]);
    await transaction.run(
      `INSERT INTO dead_letters
        (projection, aggregate_id, version, partition_number, command_type, request_id, error, parked_at)
      VALUES ? ON DUPLICATE KEY UPDATE parked_at = parked_at`,
      [rows],
    );
  }
}

function checkpointOf(row: CheckpointRow | undefined): ProjectionCheckpoint {
  const { feedIdentity = '', sequence = 0, revision = 0, isPaused = 0 } = row ?? {};
  return { feedIdentity, sequence, revision, isPaused: isPaused === 1 };
}
