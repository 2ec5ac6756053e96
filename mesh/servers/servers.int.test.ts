import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createConnection } from 'mysql2/promise';
import { freshDatabaseUrl, sharedNatsUrl } from './shared-servers.js';
import { startMySqlServer, startNatsServer } from './start-server.js';

describe('servers for tests', () => {
  it('keeps a JetStream stream through kill -9 and restart of nats-server', async () => {
    const server = await startNatsServer();
    try {
      const before = await connect({ servers: server.url, reconnect: false });
      await (await jetstreamManager(before)).streams.add({ name: 'KEPT', subjects: ['kept'] });
      const pid = server.pid;
      await server.kill('SIGKILL');
      await server.restart();
      assert.notEqual(server.pid, pid);
      const after = await connect({ servers: server.url });
      assert.equal((await (await jetstreamManager(after)).streams.info('KEPT')).config.name, 'KEPT');
      await after.close();
    } finally {
      await server.stop();
    }
    assert.equal(server.state, 'STOPPED');
    assert.equal(existsSync(`/proc/${server.pid}`), false);
  });

  it('keeps rows through kill -9 and restart of MySQL, and speaks utf8mb4', async () => {
    const server = await startMySqlServer();
    try {
      const before = await createConnection(server.url);
      before.on('error', () => undefined);
      await before.query('CREATE TABLE kept (text VARCHAR(20))');
      await before.query("INSERT INTO kept VALUES ('🧵')");
      await server.kill('SIGKILL');
      await server.restart();
      const after = await createConnection(server.url);
      const [rows] = await after.query('SELECT text FROM kept');
      assert.deepEqual(rows, [{ text: '🧵' }]);
      await after.end();
    } finally {
      await server.stop();
    }
  });

  it('keeps the files of a MySQL of root that its own user cannot reach elsewhere', async function () {
    // Root alone has servers that run as somebody else.
    if (process.getuid?.() !== 0) return this.skip();
    const closed = await mkdtemp(join(tmpdir(), 'threadweaver-closed-'));
    const dataDir = join(closed, 'mysql');
    try {
      for (const text of ['first', 'second']) {
        const server = await startMySqlServer({ dataDir });
        const connection = await createConnection(server.url);
        await connection.query('CREATE TABLE IF NOT EXISTS kept (text VARCHAR(20))');
        await connection.query(`INSERT INTO kept VALUES ('${text}')`);
        const [rows] = await connection.query('SELECT text FROM kept ORDER BY text');
        assert.deepEqual(rows, [{ text: 'first' }, { text: 'second' }].slice(0, text === 'first' ? 1 : 2));
        await connection.end();
        await server.stop();
      }
    } finally {
      await rm(await realpath(dataDir), { recursive: true, force: true });
      await rm(closed, { recursive: true, force: true });
    }
  });

  it('gives every caller an empty database, and everyone the same NATS', async () => {
    const [one, other] = await Promise.all([freshDatabaseUrl(), freshDatabaseUrl()]);
    assert.notEqual(one, other);
    const connection = await createConnection(one);
    const [tables] = await connection.query('SHOW TABLES');
    assert.deepEqual(tables, []);
    await connection.end();
    assert.equal(await sharedNatsUrl(), await sharedNatsUrl());
  });

  it('says why a server did not start', async () => {
    const taken = await startNatsServer();
    try {
      await assert.rejects(startMySqlServer({ port: taken.port }), /mysql ended with 1:[\s\S]*port/);
    } finally {
      await taken.stop();
    }
  });
});
