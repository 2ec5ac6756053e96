import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { beginMaintenance, endMaintenance } from '../../../../platform/nats/installation-maintenance.js';
import { InstallationSettings } from '../../../../platform/nats/installation-settings.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import { openJournal } from '../../../../platform/nats/open-journal.js';
import { createLogger } from '../../../../platform/telemetry/logger.js';
import { freshDatabaseUrl, startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { startServiceProcess } from '../../../../platform/testing/service-process.js';
import { migrations } from '../migrations/index.js';
import { commitOf, threadCreated } from './projection-fixture.js';

const main = 'services/thread/projector/main.ts';

describe('thread-projector on a bucketed journal', function () {
  this.timeout(60_000);
  let nats: RunningServer;
  let link: NatsLink;
  let database: Database;
  let env: Record<string, string>;
  before(async () => {
    const url = await freshDatabaseUrl();
    await migrateDatabase({ url, migrations, report: () => undefined });
    database = new Database({ url });
    nats = await startNatsServer();
    link = await NatsLink.open({ url: nats.url, name: 'test', logger: createLogger('test', 'silent') });
    env = { NATS_URL: nats.url, MYSQL_URL: url, JOURNAL_LAYOUT: 'bucketed', JOURNAL_BUCKETS: '3' };
  });
  after(async () => {
    await link.close();
    await database.close();
    await nats.stop();
  });

  it('finds there what the feed has lost, goes on during maintenance, and ends when the layout becomes another', async () => {
    const journal = openJournal(link, { prefix: 'THREAD', layout: 'bucketed', buckets: 3 });
    const ids = Array.from({ length: 5 }, () => ulid());
    for (const id of ids) await journal.append(id, 0, commitOf(id, 1, threadCreated(id, { creatorId: ulid() })));
    const service = await startServiceProcess(main, env);
    try {
      const isLast = new Set(ids);
      await service.logLine(({ msg, thread_id }) => {
        if (msg === 'projected') isLast.delete(String(thread_id));
        return isLast.size === 0;
      });
      const [row] = await database.rows<{ threads: number }>('SELECT COUNT(*) AS threads FROM threads', []);
      assert.equal(Number(row?.threads), 5);

      const settings = await InstallationSettings.open(link, { prefix: 'THREAD' });
      const kept = await settings.read();
      assert.ok(kept);
      await beginMaintenance(settings, kept, { task: 'test', remedy: '' });
      const second = await startServiceProcess(main, env);
      second.kill('SIGTERM');
      assert.equal(await second.exited, 0);

      await endMaintenance(settings, 'test', { journalLayout: 'per-thread' });
      assert.equal(await service.exited, 0);
      await service.logLine(({ msg }) => msg === 'the installation has changed, stopping');
      await assert.rejects(startServiceProcess(main, env), /JOURNAL_LAYOUT is per-thread, not bucketed/);
    } finally {
      service.kill('SIGKILL');
    }
  });
});
