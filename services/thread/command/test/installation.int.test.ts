import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { createLogger } from '../../../../platform/telemetry/logger.js';
import { beginMaintenance } from '../../../../platform/nats/installation-maintenance.js';
import { InstallationSettings } from '../../../../platform/nats/installation-settings.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import { protoClient } from '../../../../platform/testing/proto-client.js';
import { startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { resultOf, spawnCommand } from '../../../../platform/testing/command-process.js';
import { startServiceProcess } from '../../../../platform/testing/service-process.js';

const main = 'services/thread/command/main.ts';
const account = ulid();

describe('the installation of thread-command', function () {
  this.timeout(60_000);
  let nats: RunningServer;
  let link: NatsLink;
  before(async () => {
    nats = await startNatsServer();
    link = await NatsLink.open({ url: nats.url, name: 'test', logger: createLogger('test', 'silent') });
  });
  after(async () => {
    await link.close();
    await nats.stop();
  });

  it('is bucketed when it is told so; other settings end a process with 1 and a line that says what to do; maintenance stops it', async () => {
    const bucketed = {
      ...{ NATS_URL: nats.url, JOURNAL_LAYOUT: 'bucketed', JOURNAL_BUCKETS: '2' },
      JOURNAL_MAX_STREAMS_PER_ACCOUNT: '1',
    };
    const service = await startServiceProcess(main, bucketed);
    const commands = protoClient(
      'threadweaver/thread/v1/thread_command_service.proto',
      'threadweaver.thread.v1.ThreadCommandService',
      service.address,
    );
    try {
      const creation = { account_id: account, title: 'a thread', administrator_ids: [account] };
      const { thread_id } = await commands.call('CreateThread', creation);
      const posted = await commands.call('AddMessages', {
        account_id: account,
        thread_id,
        messages: [{ text: 'hello' }],
      });
      assert.equal(posted.version, '2');
      // A thread has no stream here, so nothing bounds how many an account creates.
      assert.ok((await commands.call('CreateThread', creation)).thread_id);
      const names: string[] = [];
      for await (const { config } of link.manager.streams.list('thread.bucket.>')) names.push(config.name);
      assert.ok(names.length > 0);
      for (const name of names) assert.match(name, /^THREAD_JOURNAL_[01]$/);

      const differing = { ...bucketed, GRPC_PORT: '0', JOURNAL_LAYOUT: 'per-thread', PARTITIONS: '32' };
      const other = await resultOf(spawnCommand(main, [], differing));
      assert.equal(other.code, 1);
      assert.match(other.stdout, /JOURNAL_LAYOUT is bucketed, not per-thread; PARTITIONS is 64, not 32\. Start with/);

      const settings = await InstallationSettings.open(link, { prefix: 'THREAD' });
      const kept = await settings.read();
      assert.ok(kept);
      await beginMaintenance(settings, kept, { task: 'test', remedy: 'Wait.' });
      assert.equal(await service.exited, 0);
      await assert.rejects(startServiceProcess(main, bucketed), /is under way or was interrupted/);
    } finally {
      commands.close();
      service.kill('SIGKILL');
      await service.exited;
    }
  });
});
