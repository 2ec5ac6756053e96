import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { pino } from 'pino';
import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { JetStreamFeedWriter } from '../../../../platform/nats/jetstream-feed-writer.js';
import { StreamPerAggregateJournal } from '../../../../platform/nats/stream-per-aggregate-journal.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import { protoClient } from '../../../../platform/testing/proto-client.js';
import { startMySqlServer, startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import {
  startServiceProcess,
  type LogLine,
  type ServiceProcess,
} from '../../../../platform/testing/service-process.js';
import { migrations } from '../migrations/index.js';
import { commitOf, messagesAdded, threadCreated } from './projection-fixture.js';

const isProjected = ({ msg }: LogLine): boolean => msg === 'projected';

describe('thread-projector as a process', function () {
  this.timeout(60_000);
  let mySql: RunningServer;
  let nats: RunningServer;
  let link: NatsLink;
  let journal: StreamPerAggregateJournal;
  let feed: JetStreamFeedWriter;
  let database: Database;
  const services: ServiceProcess[] = [];

  before(async () => {
    [mySql, nats] = await Promise.all([startMySqlServer(), startNatsServer()]);
    await migrateDatabase({ url: mySql.url, migrations, report: () => undefined });
    const logger = pino({ level: 'silent' });
    link = await NatsLink.open({ url: nats.url, name: 'test', logger });
    journal = new StreamPerAggregateJournal(link, { prefix: 'THREAD' }, () => undefined);
    feed = new JetStreamFeedWriter(link, { prefix: 'THREAD', logger });
    database = new Database({ url: mySql.url });
  });
  after(async () => {
    await link.close();
    await database.close();
    await Promise.all([mySql.stop(), nats.stop()]);
  });
  afterEach(async () => {
    for (const service of services.splice(0)) {
      service.kill('SIGKILL');
      await service.exited;
    }
  });

  async function startProjector(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = await startServiceProcess('services/thread/projector/main.ts', {
      MYSQL_URL: mySql.url,
      NATS_URL: nats.url,
      ...env,
    });
    services.push(service);
    return service;
  }

  /** A thread that is made and one that is posted to so many times, in journal and feed, as thread-command does. */
  async function writeThread(messages: number): Promise<Commit[]> {
    const id = ulid();
    const creatorId = ulid();
    const commits = [commitOf(id, 1, threadCreated(id, { creatorId }))];
    for (let index = 0; index < messages; index += 1) {
      commits.push(commitOf(id, index + 2, messagesAdded(creatorId, [{ id: ulid() }])));
    }
    await Promise.all(commits.map((commit) => journal.append(id, commit.version - 1, commit)));
    for (const commit of commits) feed.publish(commit);
    return commits;
  }

  async function rowsOf(threadId: string): Promise<{ version: number; messages: number } | undefined> {
    const [row] = await database.rows<{ version: number; messages: number }>(
      'SELECT version, (SELECT COUNT(*) FROM messages WHERE thread_id = threads.id) AS messages FROM threads WHERE id = ?',
      [threadId],
    );
    return row && { ...row };
  }

  async function health(service: ServiceProcess): Promise<unknown> {
    const client = protoClient('grpc/health/v1/health.proto', 'grpc.health.v1.Health', service.address);
    try {
      return (await client.call('Check', { service: '' })).status;
    } finally {
      client.close();
    }
  }

  it("logs one line a commit with the command's ids, is healthy, and at SIGTERM ends with 0", async () => {
    const service = await startProjector();
    await service.logLine(({ msg }) => msg === 'projecting');
    assert.equal(await health(service), 'SERVING');
    const [creation] = (await writeThread(1)) as [Commit];
    const isOwn = (line: LogLine): boolean => isProjected(line) && line.thread_id === creation.aggregateId;
    await service.logLine((line) => isOwn(line) && line.version === 2);
    const lines = service.logLines.filter(isOwn);
    assert.deepEqual(
      lines.map(({ request_id, trace_id, version }) => [request_id, trace_id, version]),
      [
        ['request-1', 'a'.repeat(32), 1],
        ['request-2', 'a'.repeat(32), 2],
      ],
    );
    assert.equal(typeof lines[0]?.lag_ms, 'number');
    service.kill('SIGTERM');
    assert.equal(await service.exited, 0);
  });

  it('loses and repeats nothing when it is killed again and again while commits come', async () => {
    const written: Commit[][] = [];
    let isWriting = true;
    const writing = (async () => {
      while (isWriting) written.push(await writeThread(9));
    })();
    for (let kills = 0; kills < 4; kills += 1) {
      const service = await startProjector({ PROJECTION_BATCH_COMMITS: '20' });
      await service.logLine(isProjected);
      service.kill('SIGKILL');
      await service.exited;
    }
    isWriting = false;
    await writing;
    await feed.flush(5_000);
    const last = await startProjector();
    const compared = new Set<unknown>();
    await last.logLine(({ msg, partition }) => {
      if (msg === 'compared the journal with the read model') compared.add(partition);
      return compared.size === 8;
    });
    for (const commits of written) {
      assert.deepEqual(await rowsOf((commits[0] as Commit).aggregateId), { version: 10, messages: 9 });
    }
    assert.ok(written.length > 4, `only ${written.length} threads were written`);
  });

  it('projects what came while no projector ran, and what the feed has lost', async () => {
    const [creation] = (await writeThread(3)) as [Commit];
    await feed.flush(5_000);
    await link.manager.streams.delete('THREAD_FEED');
    const service = await startProjector();
    await service.logLine((line) => isProjected(line) && line.thread_id === creation.aggregateId && line.version === 4);
    assert.deepEqual(await rowsOf(creation.aggregateId), { version: 4, messages: 3 });
  });

  it('waits out a database that is away, is not healthy meanwhile, and goes on afterwards', async () => {
    const service = await startProjector({ UNHEALTHY_AFTER_MS: '100', PROJECTION_CHECK_EVERY_MS: '100' });
    await service.logLine(({ msg }) => msg === 'projecting');
    await mySql.kill('SIGKILL');
    const [creation] = (await writeThread(2)) as [Commit];
    await service.logLine(({ msg }) => msg === 'cannot project for a while now');
    assert.equal(await health(service), 'NOT_SERVING');
    await mySql.restart();
    await service.logLine((line) => isProjected(line) && line.thread_id === creation.aggregateId && line.version === 3);
    // Health follows the rows, so wait until it has been said a second time.
    await service.logLine(() => service.logLines.filter(({ msg }) => msg === 'projecting').length === 2);
    assert.equal(await health(service), 'SERVING');
    assert.deepEqual(await rowsOf(creation.aggregateId), { version: 3, messages: 2 });
    const troubles = service.logLines.filter(({ msg }) => msg === 'cannot project, trying again');
    assert.ok(troubles.length < 50, `tried ${troubles.length} times`);
    service.kill('SIGTERM');
    assert.equal(await service.exited, 0);
  });

  it('waits for a schema that is not there yet, and parks nothing for it', async () => {
    const url = new URL(mySql.url);
    url.pathname = '/not_yet';
    const service = await startProjector({ MYSQL_URL: url.href });
    await service.logLine(({ msg }) => msg === 'cannot project, trying again');
    await migrateDatabase({ url: url.href, migrations, report: () => undefined });
    await service.logLine(({ msg }) => msg === 'projecting');
    assert.ok(!service.logLines.some(({ msg }) => String(msg).startsWith('parked')));
  });

  it('ends with 0 at SIGTERM while the database is away', async () => {
    const service = await startProjector({ MYSQL_URL: 'mysql://root@127.0.0.1:1/none' });
    await service.logLine(({ msg }) => msg === 'cannot project, trying again');
    service.kill('SIGTERM');
    assert.equal(await service.exited, 0);
  });
});
