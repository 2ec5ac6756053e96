import type { Commit } from '../journal/journal.js';
import type { ParkedAggregate, ParkedAggregates } from '../projection/parked-aggregates.js';
import type { Database, Transaction } from './database.js';
import type { ProjectedRows } from './projection-store.js';

/** Dead letters of a projection in the tables of `projectionTables`. */
export class MySqlParkedAggregates implements ParkedAggregates {
  constructor(
    private readonly database: Database,
    private readonly rows: ProjectedRows,
    private readonly projection: string,
  ) {}

  async list(aggregateId?: string): Promise<ParkedAggregate[]> {
    const found = await this.database.rows<ParkedAggregate & { readonly error: string | null }>(
      `SELECT d.aggregate_id AS aggregateId, d.partition_number AS \`partition\`, d.version AS firstVersion,
        a.lastVersion, a.commits, COALESCE(d.error, '') AS error, d.command_type AS commandType,
        d.request_id AS requestId, d.parked_at AS since
      FROM dead_letters d JOIN (
        SELECT aggregate_id, MIN(version) AS firstVersion, MAX(version) AS lastVersion, COUNT(*) AS commits
        FROM dead_letters WHERE projection = ?${aggregateId === undefined ? '' : ' AND aggregate_id = ?'}
        GROUP BY aggregate_id
      ) a ON a.aggregate_id = d.aggregate_id AND a.firstVersion = d.version
      WHERE d.projection = ? ORDER BY d.parked_at, d.aggregate_id`,
      [this.projection, ...(aggregateId === undefined ? [] : [aggregateId]), this.projection],
    );
    return found.map((row) => ({ ...row, commits: Number(row.commits) }));
  }

  async versionOf(aggregateId: string): Promise<number> {
    return this.database.transaction((transaction) => this.#versionOf(transaction, aggregateId));
  }

  async project(
    { aggregateId, partition }: ParkedAggregate,
    version: number,
    commits: readonly Commit[],
  ): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      await this.#raiseFence(transaction, partition, commits.length);
      if ((await this.#versionOf(transaction, aggregateId)) !== version) return false;
      if (commits.length > 0) await this.rows.apply(transaction, commits);
      await transaction.run('DELETE FROM dead_letters WHERE projection = ? AND aggregate_id = ? AND version <= ?', [
        this.projection,
        aggregateId,
        commits.at(-1)?.version ?? version,
      ]);
      return true;
    });
  }

  async fail({ aggregateId, partition }: ParkedAggregate, version: number, error: Error): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.#raiseFence(transaction, partition, 0);
      await transaction.run(
        `INSERT INTO dead_letters
          (projection, aggregate_id, version, partition_number, command_type, request_id, error, parked_at)
        VALUES (?, ?, ?, ?, '', '', ?, ?) ON DUPLICATE KEY UPDATE error = VALUES(error)`,
        [this.projection, aggregateId, version, partition, error.message.slice(0, 10_000), Date.now()],
      );
    });
  }

  /** First in the transaction: the row's lock keeps projectors of this partition out, and they begin anew afterwards. */
  async #raiseFence(transaction: Transaction, partition: number, commits: number): Promise<void> {
    await transaction.run(
      `UPDATE projection_checkpoints SET fence = fence + 1, projected_commits = projected_commits + ?
      WHERE projection = ? AND partition_number = ?`,
      [commits, this.projection, partition],
    );
  }

  async #versionOf(transaction: Transaction, aggregateId: string): Promise<number> {
    const [row] = await transaction.rows<{ version: number }>(this.rows.versionsStatement, [[aggregateId]]);
    return row?.version ?? 0;
  }
}
