import type { Knex } from 'knex';
import type { Migration } from './migrate-database.js';
import type { ProjectionDeclaration } from './projection-declaration.js';
import { migrationName, namespaceOf } from './projection-namespace.js';

const key = 'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin';
const defaults = 'ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT = DYNAMIC';

const statements = [
  // `revision` counts the transactions: whoever writes names the one it has seen, so that two never both do.
  `CREATE TABLE IF NOT EXISTS projection_checkpoints (
    projection ${key} NOT NULL,
    partition_number INT NOT NULL,
    feed_identity VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    feed_sequence BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (projection, partition_number)
  ) ${defaults}`,
  // References into the journal, which keeps the commits themselves. Only an aggregate's first has an error: the
  // others wait behind it.
  `CREATE TABLE IF NOT EXISTS dead_letters (
    projection ${key} NOT NULL,
    aggregate_id ${key} NOT NULL,
    version BIGINT NOT NULL,
    partition_number INT NOT NULL,
    command_type VARCHAR(255) NOT NULL,
    request_id VARCHAR(255) NOT NULL,
    error TEXT NULL,
    parked_at BIGINT NOT NULL,
    PRIMARY KEY (projection, aggregate_id, version)
  ) ${defaults}`,
];

/** The migration that makes the tables of `MySqlProjectionStore`. */
export const projectionTables = {
  async up(knex: Knex): Promise<void> {
    for (const statement of statements) await knex.raw(statement);
  },
  async down(knex: Knex): Promise<void> {
    for (const table of ['dead_letters', 'projection_checkpoints']) await knex.schema.dropTableIfExists(table);
  },
};

/**
 * The migration that lets a projection have several partitions and be operated. `fence` was `revision`: a projector from
 * before finds no column of that name and waits, instead of projecting all partitions.
 */
export const projectionOperations = {
  async up(knex: Knex): Promise<void> {
    if (await knex.schema.hasColumn('projection_checkpoints', 'fence')) return;
    await knex.raw(
      `ALTER TABLE projection_checkpoints
        CHANGE revision fence BIGINT NOT NULL,
        ADD partitions INT NOT NULL DEFAULT 1,
        ADD projected_commits BIGINT NOT NULL DEFAULT 0,
        ADD paused_by VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
        ADD paused_at BIGINT NULL`,
    );
  },
  async down(knex: Knex): Promise<void> {
    if (!(await knex.schema.hasColumn('projection_checkpoints', 'fence'))) return;
    await knex.raw(
      `ALTER TABLE projection_checkpoints
        CHANGE fence revision BIGINT NOT NULL,
        DROP partitions, DROP projected_commits, DROP paused_by, DROP paused_at`,
    );
  },
};

/** Tables that say how far projections are, and are no part of any. */
export const bookkeepingTables = [
  'projection_checkpoints',
  'dead_letters',
  'schema_migrations',
  'schema_migrations_lock',
] as const;

/**
 * All steps of a projection's schema, by the names under which they are kept: where it has a namespace, what makes the
 * tables of checkpoints and dead letters first, which bear being made by each of the projections that share them.
 */
export function migrationsOf(
  projection: Pick<ProjectionDeclaration, 'name' | 'namespace' | 'migrations'>,
): Migration[] {
  const shared =
    namespaceOf(projection) === ''
      ? []
      : [
          { name: '0000-projection-tables', ...projectionTables },
          { name: '0000-projection-tables-operations', ...projectionOperations },
        ];
  return [...shared, ...projection.migrations].map((step) => ({ ...step, name: migrationName(projection, step.name) }));
}
