import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createConnection, type Connection } from 'mysql2/promise';
import { pino } from 'pino';
import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { JetStreamFeedWriter } from '../../../../platform/nats/jetstream-feed-writer.js';
import { StreamPerAggregateJournal } from '../../../../platform/nats/stream-per-aggregate-journal.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import {
  startMySqlServer,
  startNatsServer,
  waitUntilHealthy,
  type RunningServer,
} from '../../../../mesh/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';
import { migrations } from '../migrations/index.js';
import { startDatabaseRelay, type DatabaseRelay } from './database-relay.js';
import { commitOf, messagesAdded, threadCreated } from './projection-fixture.js';

/** A projection's tries grow apart: a fault of some seconds is no reason for more of them than this. */
const MAX_TRIES = 60;

describe('thread-projector and a database in trouble', function () {
  this.timeout(90_000);
  let mySql: RunningServer;
  let nats: RunningServer;
  let relay: DatabaseRelay;
  let link: NatsLink;
  let journal: StreamPerAggregateJournal;
  let feed: JetStreamFeedWriter;
  let database: Database;
  let administrator: Connection;
  let projector: ServiceProcess;
  let hasExited: boolean;
  let written: Commit[][];

  before(async () => {
    [mySql, nats] = await Promise.all([startMySqlServer(), startNatsServer()]);
    await migrateDatabase({ url: mySql.url, migrations, report: () => undefined });
    administrator = await createConnection(mySql.url);
    // As in production: an account that a read-only server refuses.
    await administrator.query(`CREATE USER plain@'127.0.0.1' IDENTIFIED BY '${new URL(mySql.url).password}'`);
    await administrator.query(`GRANT ALL ON threadweaver.* TO plain@'127.0.0.1'`);
    const logger = pino({ level: 'silent' });
    link = await NatsLink.open({ url: nats.url, name: 'test', logger });
    journal = new StreamPerAggregateJournal(link, { prefix: 'THREAD' }, () => undefined);
    feed = new JetStreamFeedWriter(link, { prefix: 'THREAD', logger });
    database = new Database({ url: mySql.url });
  });
  after(async () => {
    administrator.destroy();
    await link.close();
    await database.close();
    await Promise.all([mySql.stop(), nats.stop()]);
  });

  beforeEach(async () => {
    written = [];
    hasExited = false;
    relay = await startDatabaseRelay(mySql.port);
    const url = new URL(mySql.url);
    url.username = 'plain';
    url.port = String(relay.port);
    projector = await startServiceProcess('services/thread/projector/main.ts', {
      MYSQL_URL: url.href,
      NATS_URL: nats.url,
      PROJECTION_CHECK_EVERY_MS: '200',
      UNHEALTHY_AFTER_MS: '100',
    });
    void projector.exited.then(() => (hasExited = true));
    await projector.logLine(({ msg }) => msg === 'projecting');
  });
  afterEach(async () => {
    projector.kill('SIGKILL');
    await projector.exited;
    await relay.close();
  });

  /** A thread that is made and posted to nine times, in journal and feed, as thread-command does. */
  async function writeThread(): Promise<string> {
    const id = ulid();
    const creatorId = ulid();
    const commits = Array.from({ length: 10 }, (_, index) =>
      index === 0
        ? commitOf(id, 1, threadCreated(id, { creatorId }))
        : commitOf(id, index + 1, messagesAdded(creatorId, [{ id: ulid() }])),
    );
    await Promise.all(commits.map((commit) => journal.append(id, commit.version - 1, commit)));
    for (const commit of commits) feed.publish(commit);
    written.push(commits);
    return id;
  }

  const said = (msg: string): number => projector.logLines.filter((line) => line.msg === msg).length;
  const untilTroubled = () => projector.logLine(({ msg }) => msg === 'cannot project, trying again');

  async function untilProjected(threadId: string): Promise<void> {
    await projector.logLine((line) => line.msg === 'projected' && line.thread_id === threadId && line.version === 10);
  }

  /** Everything that was written is there once, and the projector is the same, healthy process. @param faults so many there were */
  async function allIsWell(faults = 1): Promise<void> {
    const last = await writeThread();
    await untilProjected(last);
    for (const [creation] of written) {
      assert.ok(creation);
      // By its rows: of a transaction whose outcome a dying server could not tell, no line says that it was saved.
      await waitUntilHealthy(`the rows of ${creation.aggregateId}`, async () => {
        const [row] = await database.rows<{ version: number; messages: number }>(
          'SELECT version, (SELECT COUNT(*) FROM messages WHERE thread_id = threads.id) AS messages FROM threads WHERE id = ?',
          [creation.aggregateId],
        );
        assert.deepEqual({ ...row }, { version: 10, messages: 9 });
      });
    }
    const [parked] = await database.rows<{ count: number }>('SELECT COUNT(*) AS count FROM dead_letters');
    assert.equal(parked?.count, 0, 'no commit is to blame for the database');
    assert.equal(hasExited, false);
    const tries = said('cannot project, trying again');
    assert.ok(tries < MAX_TRIES * faults, `${tries} tries`);
  }

  it('goes on after a server that is restarted again and again under load', async () => {
    const restarts = 3;
    let isOver = false;
    const load = (async () => {
      while (!isOver) await writeThread();
    })();
    for (let round = 0; round < restarts; round += 1) {
      await mySql.kill(round === 1 ? 'SIGTERM' : 'SIGKILL');
      await mySql.restart();
      await untilProjected(await writeThread());
    }
    isOver = true;
    await load;
    administrator = await createConnection(mySql.url);
    await allIsWell(restarts);
  });

  it('waits for a read-only server', async () => {
    await administrator.query('SET GLOBAL read_only = ON');
    try {
      await writeThread();
      await untilTroubled();
      await projector.logLine(({ msg }) => msg === 'cannot project for a while now');
    } finally {
      await administrator.query('SET GLOBAL read_only = OFF');
    }
    await allIsWell();
  });

  it('waits for a server whose disk is full', async () => {
    // What InnoDB says when it cannot extend a file: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
    const full = `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table ''messages'' is full'`;
    await administrator.query(`CREATE TRIGGER full_disk BEFORE INSERT ON messages FOR EACH ROW ${full}`);
    try {
      await writeThread();
      await untilTroubled();
    } finally {
      await administrator.query('DROP TRIGGER full_disk');
    }
    await allIsWell();
  });

  it('waits for a server that hangs', async () => {
    await mySql.kill('SIGSTOP');
    try {
      await writeThread();
      await untilTroubled();
    } finally {
      await mySql.kill('SIGCONT');
    }
    await allIsWell();
  });

  it('is slow with a slow database, and no worse', async () => {
    relay.delay(100);
    await Promise.all(Array.from({ length: 20 }, () => writeThread()));
    for (const [creation] of written) await untilProjected(creation?.aggregateId ?? '');
    assert.equal(said('cannot project, trying again'), 0);
    relay.delay(0);
    await allIsWell();
  });

  it('repeats a transaction that lost a deadlock', async () => {
    await disturbTransaction(async (_waiting, rival) => {
      // The projector holds its checkpoint and waits for the thread; now the rival waits for the checkpoint.
      await rival.query('UPDATE projection_checkpoints SET updated_at = updated_at + 1');
    });
    const cause = projector.logLines.find(({ msg }) => msg === 'cannot project, trying again');
    assert.match(JSON.stringify(cause), /deadlock/i);
  });

  it('repeats a transaction whose connection was killed in the middle', async () => {
    await disturbTransaction(async (waiting) => void (await administrator.query(`KILL ${waiting}`)));
  });

  it('applies nothing twice when the answer to a COMMIT is lost', async () => {
    for (let round = 0; round < 5; round += 1) {
      const lost = relay.loseAnswerTo('COMMIT');
      const threadId = await writeThread();
      await lost;
      await untilVersion(threadId, 10);
    }
    // A batch whose answer was lost is not said to be projected: what is there was compared by version.
    written = [];
    await allIsWell();
    const [wrong] = await database.rows<{ count: number }>(
      `SELECT COUNT(*) AS count FROM threads t
      WHERE (SELECT COUNT(*) FROM messages m WHERE m.thread_id = t.id) NOT IN (9, 10)`,
    );
    assert.equal(wrong?.count, 0);
  });

  /** Does something while a transaction of the projector waits for a row that another one, the rival, holds. */
  async function disturbTransaction(disturb: (waiting: number, rival: Connection) => Promise<void>): Promise<void> {
    const rival = await createConnection(mySql.url);
    try {
      const threadId = await writeThread();
      await untilProjected(threadId);
      await beginRival(rival, threadId);
      await post(threadId);
      await disturb(await untilBlocked(), rival);
      await untilTroubled();
      await rival.query('ROLLBACK');
      await untilVersion(threadId, 11);
      await allIsWell();
    } finally {
      rival.destroy();
    }
  }

  /** Adds a message to a thread of ten commits. */
  async function post(threadId: string): Promise<void> {
    const commit = commitOf(threadId, 11, messagesAdded(ulid(), [{ id: ulid() }]));
    await journal.append(threadId, 10, commit);
    feed.publish(commit);
    // It has one more than `allIsWell` expects.
    written = written.filter(([creation]) => creation?.aggregateId !== threadId);
  }

  /** Opens a transaction that has changed much, so that a deadlock's victim is the other, and holds a thread's row. */
  async function beginRival(rival: Connection, threadId: string): Promise<void> {
    await rival.query('CREATE TABLE IF NOT EXISTS rival (n INT PRIMARY KEY)');
    await rival.query('START TRANSACTION');
    await rival.query('REPLACE INTO rival VALUES ?', [Array.from({ length: 500 }, (_, n) => [n])]);
    await rival.query('SELECT id FROM threads WHERE id = ? FOR UPDATE', [threadId]);
  }

  /** @returns the connection that waits for a lock, once one does */
  async function untilBlocked(): Promise<number> {
    for (;;) {
      const [rows] = await administrator.query(
        `SELECT trx_mysql_thread_id AS id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`,
      );
      const [row] = rows as { id: number }[];
      if (row !== undefined) return row.id;
      // InnoDB keeps what it answers for 0.1 s, from the last question on.
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  async function untilVersion(threadId: string, version: number): Promise<void> {
    for (;;) {
      const [row] = await database.rows<{ version: number }>('SELECT version FROM threads WHERE id = ?', [threadId]);
      if (row?.version === version) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
