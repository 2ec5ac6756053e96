import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createConnection } from 'mysql2/promise';
import { freshDatabaseUrl } from '../../mesh/servers/index.js';
import { rebuildReadModel } from '../admin/projection/rebuild-read-model.js';
import type { Commit } from '../journal/journal.js';
import type { ProjectionEvent } from '../projection/projection-observer.js';
import { Projector } from '../projection/projector.js';
import { InMemoryFeed } from '../testing/in-memory-feed.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { Database } from './database.js';
import { migrateDatabase, waitForMigrations } from './migrate-database.js';
import type { ProjectionDeclaration } from './projection-declaration.js';
import { rebuildLockSql } from './projection-namespace.js';
import { ProjectionOperations } from './projection-operations.js';
import { MySqlProjectionStore } from './projection-store.js';
import { migrationsOf, projectionOperations, projectionTables } from './projection-tables.js';

const silent = (): void => undefined;

/** Counts each aggregate's commits in a table of its own; it cannot count what is called so. */
function counting(table: string, refused: string, namespace?: string): ProjectionDeclaration {
  const bookkeeping = [
    { name: '0001-projection-tables', ...projectionTables },
    { name: '0002-projection-operations', ...projectionOperations },
  ];
  return {
    name: table,
    ...(namespace !== undefined && { namespace }),
    tables: [table],
    migrations: [
      ...(namespace === '' ? bookkeeping : []),
      {
        name: '0003-counts',
        up: async (knex) => {
          await knex.raw(
            `CREATE TABLE IF NOT EXISTS ${table} (id VARCHAR(64) PRIMARY KEY, version INT NOT NULL, remark VARCHAR(64))`,
          );
        },
        down: (knex) => knex.schema.dropTable(table),
      },
    ],
    rows: {
      versionsStatement: `SELECT id, version FROM ${table} WHERE id IN (?)`,
      async apply(transaction, commits) {
        if (commits.some(({ commandType }) => commandType === refused)) throw new Error(`no ${refused}`);
        await transaction.run(
          `INSERT INTO ${table} (id, version) VALUES ? ON DUPLICATE KEY UPDATE version = VALUES(version)`,
          [commits.map(({ aggregateId, version }) => [aggregateId, version])],
        );
      },
    },
  };
}

describe('two projections in one database', () => {
  // The one from before there could be several, and one that came later.
  const [old, young] = [counting('counts', 'Odd', ''), counting('tallies', 'Even')];
  const journal = new InMemoryJournal();
  const feed = new InMemoryFeed();
  let url: string;
  let database: Database;
  const projectors: Projector[] = [];

  before(async () => {
    url = await freshDatabaseUrl();
    database = new Database({ url, maxConnections: 6 });
  });
  afterEach(async () => {
    await Promise.all(projectors.splice(0).map((projector) => projector.drain()));
  });
  after(() => database.close());

  /** @returns what waits for a version of an aggregate to be projected */
  function start(projection: ProjectionDeclaration) {
    const seen = new Map<string, number>();
    let wake = silent;
    const observer = (event: ProjectionEvent): void => {
      if (event.kind === 'projected')
        for (const { aggregateId, version } of event.commits) seen.set(aggregateId, version);
      if (event.kind === 'parked') seen.set(event.aggregateId, event.version);
      wake();
    };
    const store = new MySqlProjectionStore(database, projection.rows, { projection });
    const projector = new Projector({ feed, journal, store, observer, checkEveryMs: 20, maxRetryMs: 20 });
    projectors.push(projector);
    projector.start();
    return async (aggregateId: string, version: number): Promise<void> => {
      while ((seen.get(aggregateId) ?? 0) < version) await new Promise<void>((resolve) => (wake = resolve));
    };
  }

  async function write(aggregateId: string, version: number, commandType = 'Count'): Promise<void> {
    const commit: Commit = {
      ...{ aggregateId, version, commandId: `${aggregateId}/${version}`, fingerprint: '', commandType },
      ...{ time: Date.now(), trace: { requestId: '', traceparent: '' }, events: [] },
    };
    await journal.append(aggregateId, version - 1, commit);
    feed.publish(commit);
  }

  const rebuild = (projection: ProjectionDeclaration) =>
    rebuildReadModel({
      command: 'admin',
      ...{ url, database, projection, journal, partitions: { feedPartitions: 1, count: 1 } },
      operations: new ProjectionOperations(database, projection),
    });
  const remark = (table: string) =>
    database.transaction((tx) => tx.run(`UPDATE ${table} SET remark = 'of before' WHERE id = 'a'`));
  const rowsOf = (table: string) =>
    database.rows<{ id: string; version: number; remark: string | null }>(`SELECT * FROM ${table} ORDER BY id`);
  const positionOf = async ({ name }: ProjectionDeclaration) =>
    (
      await database.rows('SELECT feed_sequence AS sequence FROM projection_checkpoints WHERE projection = ?', [name])
    )[0];
  const lettersOf = async ({ name }: ProjectionDeclaration) =>
    (
      await database.rows<{ id: string }>('SELECT aggregate_id AS id FROM dead_letters WHERE projection = ?', [name])
    ).map(({ id }) => id);

  it('migrate each by itself, at the same time and again, and know their own steps', async () => {
    const migrate = (projection: ProjectionDeclaration) =>
      migrateDatabase({ url, migrations: migrationsOf(projection), report: silent });
    const [ofOld, ofYoung] = await Promise.all([migrate(old), migrate(young)]);
    assert.deepEqual(ofOld, ['0001-projection-tables', '0002-projection-operations', '0003-counts']);
    assert.equal(ofYoung.at(-1), 'tallies/0003-counts');
    assert.deepEqual([await migrate(old), await migrate(young)], [[], []]);
    for (const projection of [old, young]) {
      await waitForMigrations({ url, migrations: migrationsOf(projection), waitMs: 1, report: silent });
    }
  });

  it('project the same feed, each with its own position and its own dead letters', async () => {
    const seen = [start(old), start(young)];
    await write('a', 1);
    await write('odd', 1, 'Odd');
    await write('even', 1, 'Even');
    await write('a', 2);
    for (const until of seen) for (const id of ['a', 'odd', 'even']) await until(id, id === 'a' ? 2 : 1);
    assert.deepEqual([await lettersOf(old), await lettersOf(young)], [['odd'], ['even']]);
  });

  it('are rebuilt each by itself, while the other goes on', async () => {
    const [untilOld, untilYoung] = [start(old), start(young)];
    await write('b', 1);
    await Promise.all([untilOld('b', 1), untilYoung('b', 1)]);
    await Promise.all([remark('counts'), remark('tallies')]);
    const position = await positionOf(young);
    assert.equal((await rebuild(old)).aggregates, 4);
    // Only a table that was made anew has lost it.
    assert.deepEqual(
      (await rowsOf('counts')).map((row) => ({ ...row })),
      [
        { id: 'a', version: 2, remark: null },
        { id: 'b', version: 1, remark: null },
        { id: 'even', version: 1, remark: null },
      ],
    );
    assert.equal((await rowsOf('tallies'))[0]?.remark, 'of before');
    assert.deepEqual(await positionOf(young), position);
    assert.deepEqual([await lettersOf(old), await lettersOf(young)], [['odd'], ['even']]);

    // The lock of one is none of the other.
    const holder = await createConnection(url);
    try {
      await holder.query(`SELECT GET_LOCK(${rebuildLockSql(old)}, 0)`);
      await assert.rejects(rebuild(old), { reason: 'REBUILD_RUNNING' });
      await new ProjectionOperations(database, old).pause('rebuild');
      assert.equal((await rebuild(young)).aggregates, 4);
      assert.equal((await rowsOf('tallies'))[0]?.remark, null);
      // Paused by a rebuild that is under way, as its lock says.
      await write('b', 2);
      await untilYoung('b', 2);
      assert.equal((await rowsOf('counts')).find(({ id }) => id === 'b')?.version, 1);
    } finally {
      await holder.end();
    }
    // Its pause was its lock's.
    await untilOld('b', 2);
    assert.equal(((await positionOf(old)) as { sequence: number }).sequence, 6);
  });

  it('have their own dead letters replaced by their rebuild, and nobody else has', async () => {
    await database.transaction((tx) =>
      tx.run(
        `INSERT INTO dead_letters (projection, aggregate_id, version, partition_number, command_type, request_id, parked_at)
        VALUES ('counts', 'a', 2, 0, '', '', 0), ('tallies', 'a', 2, 0, '', '', 0)`,
      ),
    );
    assert.equal((await rebuild(old)).parkedAggregates, 1);
    assert.deepEqual([await lettersOf(old), await lettersOf(young)], [['odd'], ['a', 'even']]);
  });
});
