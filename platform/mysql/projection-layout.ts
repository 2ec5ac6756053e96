import { Fault } from '../kernel/fault.js';
import { projectionPartitionOf, type ProjectionPartitions } from '../projection/projection-partition.js';
import type { Database, Transaction } from './database.js';

interface Row {
  readonly number: number;
  readonly partitions: number;
  readonly feedIdentity: string;
  readonly sequence: number;
  readonly pausedBy: string | null;
  readonly pausedAt: number | null;
}

/** The checkpoints of a projection, one a partition. Their number is kept in them. */
export class ProjectionLayout {
  #ensuring: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly projection: string,
    private readonly partitions: ProjectionPartitions,
  ) {}

  get count(): number {
    return this.partitions.count;
  }

  /**
   * Makes the checkpoints that are not there. A projection from before there were partitions is divided: each goes on
   * from where the whole was, as versions make repeats harmless.
   *
   * @throws Fault reason PARTITIONS_DIFFER the projection has another number of partitions
   */
  async ensure(): Promise<void> {
    this.#ensuring ??= this.database
      .transaction((transaction) => this.#ensure(transaction))
      .finally(() => (this.#ensuring = undefined));
    await this.#ensuring;
  }

  async #ensure(transaction: Transaction): Promise<void> {
    const { projection, count } = this;
    const rows = await transaction.rows<Row>(
      `SELECT partition_number AS number, partitions, feed_identity AS feedIdentity, feed_sequence AS sequence,
        paused_by AS pausedBy, paused_at AS pausedAt FROM projection_checkpoints
      WHERE projection = ? ORDER BY partition_number FOR UPDATE`,
      [projection],
    );
    const [first] = rows;
    const kept = first?.partitions ?? count;
    if (kept !== count && kept !== 1) {
      const message = `the read model is projected in ${kept} partitions, not ${count}. Start with PROJECTION_PARTITIONS=${kept}`;
      throw new Fault('failed-precondition', 'PARTITIONS_DIFFER', message);
    }
    if (first !== undefined && kept === 1 && count > 1) {
      await transaction.run(
        'UPDATE projection_checkpoints SET partitions = ?, fence = fence + 1 WHERE projection = ? AND partition_number = 0',
        [count, projection],
      );
      await this.#divideDeadLetters(transaction);
    }
    const { feedIdentity = '', sequence = 0, pausedBy = null, pausedAt = null } = kept === 1 && first ? first : {};
    const now = Date.now();
    const missing = Array.from({ length: count }, (_, number) => number)
      .filter((number) => !rows.some((row) => row.number === number))
      .map((number) => [projection, number, feedIdentity, sequence, 1, now, count, pausedBy, pausedAt]);
    if (missing.length === 0) return;
    await transaction.run(
      `INSERT INTO projection_checkpoints
        (projection, partition_number, feed_identity, feed_sequence, fence, updated_at, partitions, paused_by, paused_at)
      VALUES ? ON DUPLICATE KEY UPDATE updated_at = updated_at`,
      [missing],
    );
  }

  async #divideDeadLetters(transaction: Transaction): Promise<void> {
    const letters = await transaction.rows<{ id: string }>(
      'SELECT DISTINCT aggregate_id AS id FROM dead_letters WHERE projection = ?',
      [this.projection],
    );
    for (const { id } of letters) {
      await transaction.run('UPDATE dead_letters SET partition_number = ? WHERE projection = ? AND aggregate_id = ?', [
        projectionPartitionOf(id, this.partitions),
        this.projection,
        id,
      ]);
    }
  }
}
