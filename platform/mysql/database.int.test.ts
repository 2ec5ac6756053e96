import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createConnection } from 'mysql2/promise';
import { freshDatabaseUrl } from '../../mesh/servers/index.js';
import { Database } from './database.js';

describe('Database', () => {
  it('has the server end a statement that takes too long, and goes on with the connection', async () => {
    const url = await freshDatabaseUrl();
    const database = new Database({ url, maxConnections: 1, statementTimeoutMs: 500 });
    const watcher = await createConnection(url);
    try {
      const [before] = await database.rows<{ id: number }>('SELECT CONNECTION_ID() AS id');
      // Once for each row, so that it is no single wait.
      const slow =
        'SELECT COUNT(*) AS n FROM (SELECT SLEEP(0.05) FROM information_schema.COLLATIONS LIMIT 200) AS rows_';
      await assert.rejects(database.rows(slow), { kind: 'unavailable' });
      const [after] = await database.rows<{ id: number }>('SELECT CONNECTION_ID() AS id');
      assert.deepEqual(after, before);
      const [running] =
        await watcher.query(`SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(0.05)%'
        AND id <> CONNECTION_ID()`);
      assert.deepEqual(running, []);
    } finally {
      await database.close();
      await watcher.end();
    }
  });
});
