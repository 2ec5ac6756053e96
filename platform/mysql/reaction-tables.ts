import type { Knex } from 'knex';
import type { Commit } from '../journal/journal.js';
import type { Transaction } from './database.js';
import type { Migration } from './migrate-database.js';
import type { ProjectedRows } from './projection-store.js';
import { projectionOperations, projectionTables } from './projection-tables.js';

/** How a reaction is named in the tables that it shares with projections. */
export function reactionKeyOf(reaction: string): string {
  if (!/^[0-9A-Za-z_-]{1,50}$/.test(reaction)) throw new Error(`${JSON.stringify(reaction)} is no name of a reaction`);
  return `reaction-${reaction}`;
}

/** What a reaction keeps of commits: that they are carried out. */
export function reactionRows(reaction: string): ProjectedRows {
  const key = reactionKeyOf(reaction);
  return {
    versionsStatement: `SELECT aggregate_id AS id, version FROM reaction_versions
      WHERE reaction = '${key}' AND aggregate_id IN (?)`,
    async apply(transaction: Transaction, commits: readonly Commit[]): Promise<void> {
      const versions = new Map(commits.map(({ aggregateId, version }) => [aggregateId, version]));
      await saveReactionVersions(transaction, key, versions);
    },
  };
}

/** As of now carried out up to these versions. */
export async function saveReactionVersions(
  transaction: Transaction,
  key: string,
  versions: ReadonlyMap<string, number>,
): Promise<void> {
  const rows = [...versions].map(([aggregateId, version]) => [key, aggregateId, version]);
  await transaction.run(
    'INSERT INTO reaction_versions (reaction, aggregate_id, version) VALUES ? ON DUPLICATE KEY UPDATE version = VALUES(version)',
    [rows],
  );
}

const ascii = 'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL';

/** The schema of a context's reactions. Its steps bear being done beside a projection's in one database. */
export const reactionMigrations: readonly Migration[] = [
  { name: 'reactions-0001-projection-tables', ...projectionTables },
  { name: 'reactions-0002-projection-operations', ...projectionOperations },
  {
    name: 'reactions-0003-versions',
    async up(knex: Knex): Promise<void> {
      await knex.raw(
        `CREATE TABLE IF NOT EXISTS reaction_versions (reaction ${ascii}, aggregate_id ${ascii}, version BIGINT NOT NULL,
          PRIMARY KEY (reaction, aggregate_id)) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
      );
    },
    async down(knex: Knex): Promise<void> {
      await knex.schema.dropTableIfExists('reaction_versions');
    },
  },
];
