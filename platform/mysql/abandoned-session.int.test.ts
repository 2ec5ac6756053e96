import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { freshDatabaseUrl } from '../../mesh/servers/index.js';
import { Database } from './database.js';

describe('a session that the server may give up', () => {
  let database: Database;
  let other: Database;
  beforeEach(async () => {
    const url = await freshDatabaseUrl();
    other = new Database({ url });
    await other.transaction((tx) => tx.run('CREATE TABLE held (id INT PRIMARY KEY, n INT)', [], { isPrepared: false }));
    await other.transaction((tx) => tx.run('INSERT INTO held VALUES (1, 0)'));
    database = new Database({ url, maxConnections: 1, abandonAfterSeconds: 1 });
  });
  afterEach(async () => {
    await database.close();
    await other.close();
  });

  it('ends with its locks when nothing is heard of it within a transaction', async () => {
    let isHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (isHeld = resolve));
    let release: () => void = () => undefined;
    const silent = database.transaction(async (tx) => {
      await tx.run('UPDATE held SET n = n + 1');
      isHeld();
      await new Promise<void>((resolve) => (release = resolve));
      await tx.run('UPDATE held SET n = n + 1');
    });
    await held;
    // Waits for the lock until the server has ended the other's session.
    await other.transaction((tx) => tx.run('UPDATE held SET n = n + 10'));
    release();
    await assert.rejects(silent, { kind: 'unavailable' });
    assert.deepEqual({ ...(await other.rows<object>('SELECT n FROM held'))[0] }, { n: 10 });
  });

  it('is not handed out again when it has been idle for too long', async () => {
    const sessionOf = async (): Promise<number> =>
      database.transaction(async (tx) => (await tx.rows<{ id: number }>('SELECT CONNECTION_ID() AS id'))[0]?.id ?? 0);
    const first = await sessionOf();
    assert.equal(await sessionOf(), first);
    await delay(600);
    assert.notEqual(await sessionOf(), first);
    // After the server itself has closed it.
    await delay(1_300);
    await sessionOf();
  });

  it('waits for a lock no longer than that, and keeps its connection', async () => {
    await other.transaction(async (tx) => {
      await tx.run('UPDATE held SET n = n + 1');
      const waiting = database.transaction((own) => own.run('UPDATE held SET n = n + 1'));
      await assert.rejects(waiting, { kind: 'unavailable' });
    });
    assert.equal(await database.transaction((tx) => tx.run('UPDATE held SET n = n + 1')), 1);
  });
});
