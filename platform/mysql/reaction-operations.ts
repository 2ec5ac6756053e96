import type { ReactionOperations, ReplayFrom } from '../reactions/reaction-operations.js';
import type { Database, Transaction } from './database.js';
import { ProjectionOperations } from './projection-operations.js';
import { reactionProjection, reactionTable, saveReactionVersions } from './reaction-projection.js';

/** Operations on a reaction whose position `MySqlProjectionStore` keeps, with `reactionProjection`. */
export class MySqlReactionOperations implements ReactionOperations {
  readonly #key: string;
  readonly #operations: ProjectionOperations;

  constructor(
    private readonly database: Database,
    private readonly reaction: string,
  ) {
    const projection = reactionProjection(reaction);
    this.#key = projection.name;
    this.#operations = new ProjectionOperations(database, projection);
  }

  pause(): Promise<void> {
    return this.#operations.pause('operator');
  }

  async resume(): Promise<void> {
    await this.#operations.resume('operator');
  }

  retry(aggregateId: string): Promise<boolean> {
    return this.#fenced((transaction) => this.#unpark(transaction, aggregateId));
  }

  skip(aggregateId: string, which: 'first' | 'all'): Promise<boolean> {
    return this.#fenced(async (transaction) => {
      const [row] = await transaction.rows<{ version: number | null }>(
        `SELECT ${which === 'first' ? 'MIN' : 'MAX'}(version) AS version FROM dead_letters
        WHERE projection = ? AND aggregate_id = ?`,
        [this.#key, aggregateId],
      );
      if (row === undefined || row.version === null) return false;
      await saveReactionVersions(transaction, this.reaction, [[aggregateId, row.version]]);
      return this.#unpark(transaction, aggregateId);
    });
  }

  replay(from: readonly ReplayFrom[]): Promise<number> {
    return this.#fenced(async (transaction) => {
      let back = 0;
      for (const { aggregateId, version } of from) {
        back += await transaction.run(
          `UPDATE ${reactionTable(this.reaction)} SET version = ? WHERE aggregate_id = ? AND version >= ?`,
          [version - 1, aggregateId, version],
        );
      }
      return back;
    });
  }

  /** First in the transaction: the rows' locks keep those that run out, and they begin anew afterwards. */
  #fenced<T>(change: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.transaction(async (transaction) => {
      await transaction.run('UPDATE projection_checkpoints SET fence = fence + 1 WHERE projection = ?', [this.#key]);
      return change(transaction);
    });
  }

  async #unpark(transaction: Transaction, aggregateId: string): Promise<boolean> {
    const removed = await transaction.run('DELETE FROM dead_letters WHERE projection = ? AND aggregate_id = ?', [
      this.#key,
      aggregateId,
    ]);
    return removed > 0;
  }
}
