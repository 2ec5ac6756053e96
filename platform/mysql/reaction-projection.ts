import type { Transaction } from './database.js';
import type { ProjectionDeclaration } from './projection-declaration.js';

/**
 * What a reaction keeps in MySQL, as a projection: of each aggregate, up to which version its commits are carried out.
 * @param reaction its name, at most 20 of `a-z`, `0-9` and `_`
 */
export function reactionProjection(reaction: string): ProjectionDeclaration {
  const table = reactionTable(reaction);
  return {
    name: table,
    tables: [table],
    rows: {
      versionsStatement: `SELECT aggregate_id AS id, version FROM ${table} WHERE aggregate_id IN (?)`,
      apply: (transaction, commits) =>
        saveReactionVersions(
          transaction,
          reaction,
          commits.map(({ aggregateId, version }) => [aggregateId, version]),
        ),
    },
    migrations: [
      {
        name: '0001-versions',
        up: async (knex) => {
          await knex.raw(
            `CREATE TABLE IF NOT EXISTS ${table} (
              aggregate_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, version BIGINT NOT NULL)`,
          );
        },
        down: (knex) => knex.schema.dropTableIfExists(table),
      },
    ],
  };
}

/** As of now carried out up to these versions; of one aggregate the last one counts. */
export async function saveReactionVersions(
  transaction: Transaction,
  reaction: string,
  versions: readonly (readonly [aggregateId: string, version: number])[],
): Promise<void> {
  await transaction.run(
    `INSERT INTO ${reactionTable(reaction)} (aggregate_id, version) VALUES ?
    ON DUPLICATE KEY UPDATE version = VALUES(version)`,
    [versions.map((row) => [...row])],
  );
}

export function reactionTable(reaction: string): string {
  if (!/^[a-z0-9_]{1,20}$/.test(reaction)) throw new Error(`${JSON.stringify(reaction)} is no name of a reaction`);
  return `reaction_${reaction}`;
}
