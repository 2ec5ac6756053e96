import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { createConnection } from 'mysql2/promise';
import { migrateDatabase } from '../../platform/mysql/migrate-database.js';
import { migrationsOf } from '../../platform/mysql/projection-tables.js';
import { threadsProjection } from '../../services/thread/projector/projection.js';
import { freePort } from '../servers/free-ports.js';
import type { MySqlAccount } from '../servers/mysql-accounts.js';
import { mySqlServer, mySqlUrl } from '../servers/mysql-server.js';
import { type RunningServer, startServer } from '../servers/start-server.js';
import { serviceRights } from '../services.js';
import { type ContextResources, contextResources } from './context-resources.js';
import { FORMER_ACCOUNTS, mySqlAccountRights } from './mysql-rights.js';

/** A second context, whose secrets are no business of threads. */
const other: ContextResources = {
  ...{ name: 'other', prefix: 'OTHER', namespaces: [''], database: 'threadweaver_other', streams: {} },
  journal: { layout: 'bucketed', buckets: 2 },
};

describe('the accounts of MySQL', function () {
  this.timeout(60_000);
  let dataDir: string;
  let server: RunningServer;
  const password = 'a-password';

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-accounts-'));
    const port = await freePort();
    const common = { port, dataDir, bufferPoolMib: 64 };
    // As an earlier version has left it: one account writes, with all rights, and one reads.
    const writes = {
      name: 'threadweaver',
      password,
      grants: ['ALL ON `threadweaver`.*', 'ALL ON `threadweaver_other`.*'],
    };
    const reads = { name: 'threadweaver_query', password, grants: ['SELECT ON `threadweaver`.*'] };
    await (await startServer(mySqlServer({ ...common, accounts: [writes, reads] }))).stop();
    const services = { ...serviceRights, 'other-projector': { context: 'other', part: 'projector' as const } };
    const [first, ...rest] = mySqlAccountRights([...contextResources(), other], services).map(
      (rights): MySqlAccount => ({ ...rights, password }),
    );
    assert.ok(first);
    const accounts: [MySqlAccount, ...MySqlAccount[]] = [first, ...rest];
    server = await startServer(mySqlServer({ ...common, accounts, formerAccounts: FORMER_ACCOUNTS }));
    const url = mySqlUrl(port, { name: 'thread_migrate', password }, 'threadweaver');
    await migrateDatabase({ url, migrations: migrationsOf(threadsProjection), report: () => undefined });
    const others = mySqlUrl(port, { name: 'other_migrate', password }, 'threadweaver_other');
    const secrets = {
      name: '0001-secrets',
      up: async (knex: Knex) => void (await knex.raw('CREATE TABLE secrets (id INT)')),
      down: async (knex: Knex) => void (await knex.raw('DROP TABLE secrets')),
    };
    await migrateDatabase({ url: others, migrations: [secrets], report: () => undefined });
  });

  after(async () => {
    await server?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const run = async (name: string, sql: string): Promise<unknown> => {
    const connection = await createConnection(mySqlUrl(server.port, { name, password }, ''));
    try {
      return await connection.query(sql);
    } finally {
      connection.destroy();
    }
  };
  const refused = (name: string, sql: string) => assert.rejects(run(name, sql), /denied/, `${name} may ${sql}`);

  it('let queries read the tables of their context, and do nothing else', async () => {
    await run('thread_query', 'SELECT * FROM threadweaver.threads');
    for (const sql of [
      ...[
        'DELETE FROM threadweaver.threads',
        "UPDATE threadweaver.threads SET title = ''",
        'DROP TABLE threadweaver.threads',
      ],
      'INSERT INTO threadweaver.projection_checkpoints SELECT * FROM threadweaver.projection_checkpoints',
      ...['CREATE TABLE threadweaver.more (id INT)', 'CREATE DATABASE more', 'TRUNCATE threadweaver.threads'],
      ...['SELECT * FROM threadweaver_other.secrets', 'SELECT * FROM mysql.user', "SELECT 1 INTO OUTFILE '/tmp/x'"],
    ]) {
      await refused('thread_query', sql);
    }
  });

  it('let a projector fill the tables of its context, neither change their form nor see those of another', async () => {
    await run('thread_projector', 'DELETE FROM threadweaver.messages');
    for (const sql of [
      ...[
        'SELECT * FROM threadweaver_other.secrets',
        'DELETE FROM threadweaver_other.secrets',
        'USE threadweaver_other',
      ],
      ...[
        'DROP TABLE threadweaver.threads',
        'ALTER TABLE threadweaver.threads ADD COLUMN more INT',
        'CREATE DATABASE more',
      ],
      ...[
        'CREATE TABLE threadweaver.more (id INT)',
        'SELECT * FROM mysql.user',
        'SET GLOBAL read_only = 1',
        "CREATE USER me@'%'",
      ],
    ]) {
      await refused('thread_projector', sql);
    }
    await refused('other_projector', 'SELECT * FROM threadweaver.threads');
    await refused('thread_migrate', 'SELECT * FROM threadweaver_other.secrets');
  });

  it('leave those of an earlier version no way in, and operators theirs', async () => {
    for (const name of FORMER_ACCOUNTS) await refused(name, 'SELECT 1');
    for (const sql of ['SELECT * FROM threadweaver_other.secrets', 'CREATE DATABASE threadweaver__rebuild']) {
      await run('threadweaver', sql);
    }
    await refused('threadweaver', 'CREATE DATABASE another');
  });
});
