import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { JetStreamFeedWriter } from '../../../../platform/nats/jetstream-feed-writer.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import { journalLayouts, openJournal } from '../../../../platform/nats/open-journal.js';
import { createLogger } from '../../../../platform/telemetry/logger.js';
import { errorDetails } from '../../../../platform/testing/error-info.js';
import { startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';
import {
  commitOf,
  messagesAdded,
  openReadModel,
  threadCreated,
  type ReadModel,
} from '../../projector/test/projection-fixture.js';
import { queryClients } from './query-fixture.js';
import { Watcher } from './watch-fixture.js';

const logger = createLogger('test', 'silent');

for (const layout of journalLayouts) {
  describe(`thread-query as a process that is watched, ${layout} journal`, function () {
    this.timeout(60_000);
    const account = ulid();
    let model: ReadModel;
    let nats: RunningServer;
    let service: ServiceProcess;
    let clients: ReturnType<typeof queryClients>;

    before(async () => {
      [model, nats] = await Promise.all([openReadModel(), startNatsServer()]);
    });
    after(async () => {
      await nats.stop();
      await model.close();
    });
    beforeEach(async () => {
      service = await startServiceProcess('services/thread/query/main.ts', {
        MYSQL_URL: model.url,
        NATS_URL: nats.url,
        JOURNAL_LAYOUT: layout,
        WATCH_HEARTBEAT_MS: '200',
      });
      clients = queryClients(service.address);
    });
    afterEach(async () => {
      clients.close();
      service.kill('SIGKILL');
      await service.exited;
    });

    /** Appends to the journal, and to the feed, as an owner does. */
    async function withOwner<T>(
      work: (commit: (version: number, isCopied?: boolean) => Promise<void>) => Promise<T>,
      thread: string,
    ) {
      const link = await NatsLink.open({ url: nats.url, name: 'owner', logger });
      const journal = openJournal(link, { prefix: 'THREAD', layout });
      const feed = new JetStreamFeedWriter(link, { prefix: 'THREAD', logger });
      await feed.announceTakeover();
      try {
        return await work(async (version, isCopied = true) => {
          const event =
            version === 1
              ? threadCreated(thread, { creatorId: account })
              : messagesAdded(account, [{ id: ulid(), text: `version ${version}` }]);
          const commit = commitOf(thread, version, event);
          await journal.append(thread, version - 1, commit);
          if (isCopied) feed.publish(commit);
        });
      } finally {
        await feed.flush(2_000);
        await link.close();
      }
    }
    const watch = (thread: string, from = 1): Watcher =>
      new Watcher(clients.v1.stream('WatchThread', { account_id: account, thread_id: thread, from_version: from }));

    it('tells of what the feed has and of what it never got, also over a restart of NATS', async () => {
      await service.logLine(({ msg }) => msg === 'watching is possible');
      const thread = ulid();
      const watcher = await withOwner(async (commit) => {
        await commit(1);
        const begun = watch(thread);
        await begun.until(() => begun.heartbeats.length > 0);
        await commit(2);
        await commit(3, false);
        await begun.until(() => begun.versions.length === 3);
        return begun;
      }, thread);
      await nats.kill('SIGKILL');
      const beats = watcher.heartbeats.length;
      await watcher.until(() => watcher.heartbeats.length > beats + 1);
      await nats.restart();
      await withOwner(async (commit) => {
        await commit(4);
        await watcher.until(() => watcher.versions.length === 4);
      }, thread);
      assert.deepEqual(watcher.versions, [1, 2, 3, 4]);
    });

    it('ends watches at SIGTERM with where to resume, and exits with 0', async () => {
      await service.logLine(({ msg }) => msg === 'watching is possible');
      const thread = ulid();
      await withOwner((commit) => commit(1), thread);
      const watcher = watch(thread);
      await watcher.until(() => watcher.heartbeats.length > 0);
      service.kill('SIGTERM');
      const error = await watcher.ended;
      assert.equal(error?.code, status.UNAVAILABLE);
      assert.deepEqual(errorDetails(error), { reason: 'SHUTTING_DOWN', metadata: { from_version: '2' }, fields: [] });
      assert.equal(await service.exited, 0);
      const line = service.logLines.find(({ method }) => String(method).endsWith('/WatchThread'));
      assert.deepEqual([line?.code, line?.commits, line?.next_version], ['UNAVAILABLE', 1, 2]);
    });

    it('answers queries while NATS is away, and lets watch once it is there', async () => {
      await nats.kill('SIGKILL');
      const early = await startServiceProcess('services/thread/query/main.ts', {
        MYSQL_URL: model.url,
        NATS_URL: nats.url,
        JOURNAL_LAYOUT: layout,
      });
      const others = queryClients(early.address);
      try {
        await others.v1.call('ListThreads', { account_id: account });
        const refused = new Watcher(others.v1.stream('WatchThread', { account_id: account, thread_id: ulid() }));
        const { code, reason } = await refused.ended.then((error) => ({
          code: error?.code,
          reason: errorDetails(error as ServiceError).reason,
        }));
        assert.deepEqual([code, reason], [status.UNAVAILABLE, 'JOURNAL_UNAVAILABLE']);
        await nats.restart();
        await early.logLine(({ msg }) => msg === 'watching is possible');
        const unknown = new Watcher(others.v1.stream('WatchThread', { account_id: account, thread_id: ulid() }));
        assert.equal((await unknown.ended)?.code, status.NOT_FOUND);
        early.kill('SIGTERM');
        assert.equal(await early.exited, 0);
      } finally {
        others.close();
        early.kill('SIGKILL');
      }
    });
  });
}
