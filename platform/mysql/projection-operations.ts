import type { Database } from './database.js';
import { isPausedSql, type ProjectionIdentity } from './projection-namespace.js';

/** Who may pause a projection: a person, or a rebuild for its last moments. */
export type PausedBy = 'operator' | 'rebuild';

/** A partition of a projection, as the database has it. */
export interface PartitionStatus {
  readonly partition: number;
  /** How many there are. */
  readonly partitions: number;
  readonly feedIdentity: string;
  readonly sequence: number;
  /** Epoch milliseconds of the last change. */
  readonly updatedAt: number;
  /** Commits projected since there are partitions. */
  readonly projectedCommits: number;
  readonly isPaused: boolean;
  readonly pausedBy: PausedBy | null;
  readonly parkedAggregates: number;
  readonly parkedCommits: number;
}

/**
 * What an operator does to a projection, running or not. Each change raises the fence of the checkpoints, so that
 * projectors load them anew.
 */
export class ProjectionOperations {
  readonly #name: string;
  readonly #isPausedSql: string;

  constructor(
    private readonly database: Database,
    projection: ProjectionIdentity,
  ) {
    this.#name = projection.name;
    this.#isPausedSql = isPausedSql(projection);
  }

  /** All partitions in their order; none when no projector has ever run. */
  async partitions(): Promise<PartitionStatus[]> {
    const rows = await this.database.rows<Omit<PartitionStatus, 'isPaused'> & { readonly isPaused: number }>(
      `SELECT partition_number AS \`partition\`, partitions, feed_identity AS feedIdentity, feed_sequence AS sequence,
        updated_at AS updatedAt, projected_commits AS projectedCommits, ${this.#isPausedSql} AS isPaused, paused_by AS pausedBy,
        (SELECT COUNT(DISTINCT aggregate_id) FROM dead_letters d
          WHERE d.projection = c.projection AND d.partition_number = c.partition_number) AS parkedAggregates,
        (SELECT COUNT(*) FROM dead_letters d
          WHERE d.projection = c.projection AND d.partition_number = c.partition_number) AS parkedCommits
      FROM projection_checkpoints c WHERE projection = ? ORDER BY partition_number`,
      [this.#name],
    );
    return rows.map((row) => ({
      ...row,
      isPaused: row.isPaused === 1,
      parkedAggregates: Number(row.parkedAggregates),
      parkedCommits: Number(row.parkedCommits),
    }));
  }

  /** Keeps projectors from projecting until `resume`. Of a rebuild: only where nobody has paused before it. */
  async pause(by: PausedBy): Promise<void> {
    const isFree = by === 'rebuild' ? 'paused_by IS NULL' : "(paused_by IS NULL OR paused_by <> 'operator')";
    await this.#change(
      `UPDATE projection_checkpoints SET paused_by = ?, paused_at = ?, fence = fence + 1
      WHERE projection = ? AND ${isFree}`,
      [by, Date.now(), this.#name],
    );
  }

  /** Ends pauses; of a rebuild only its own. @returns how many partitions were paused */
  async resume(by: PausedBy): Promise<number> {
    const isTheirs = by === 'rebuild' ? "paused_by = 'rebuild'" : 'paused_by IS NOT NULL';
    return this.#change(
      `UPDATE projection_checkpoints SET paused_by = NULL, paused_at = NULL, fence = fence + 1
      WHERE projection = ? AND ${isTheirs}`,
      [this.#name],
    );
  }

  /**
   * Has the feed read again from behind `sequence`; partitions that are not yet there stay where they are.
   * @returns how many partitions go back
   */
  async rewind(sequence: number): Promise<number> {
    return this.#change(
      `UPDATE projection_checkpoints SET feed_sequence = ?, fence = fence + 1
      WHERE projection = ? AND feed_sequence > ?`,
      [sequence, this.#name, sequence],
    );
  }

  #change(sql: string, values: (string | number)[]): Promise<number> {
    return this.database.transaction((transaction) => transaction.run(sql, values));
  }
}
