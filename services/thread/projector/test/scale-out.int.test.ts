import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { createConnection } from 'mysql2/promise';
import type { Commit } from '../../../../platform/journal/journal.js';
import { projectionPartitionOf } from '../../../../platform/projection/projection-partition.js';
import { waitUntilHealthy } from '../../../../mesh/servers/index.js';
import type { LogLine, ServiceProcess } from '../../../../platform/testing/service-process.js';
import { InstallationFixture } from './installation-fixture.js';

const partitions = { feedPartitions: 64, count: 8 };
const owning =
  (owned: number) =>
  ({ msg, owned: now }: LogLine): boolean =>
    msg === 'partitions changed' && now === owned;
const last = (commits: Commit[]): Commit => commits.at(-1) as Commit;

/** Which of the threads a process has projected. */
function projectedBy(service: ServiceProcess): Set<unknown> {
  return new Set(service.logLines.filter(({ msg }) => msg === 'projected').map(({ thread_id }) => thread_id));
}

describe('several projectors', function () {
  this.timeout(90_000);
  let installation: InstallationFixture;
  beforeEach(async () => (installation = await InstallationFixture.open()));
  afterEach(async function () {
    if (this.currentTest?.isFailed()) installation.showLogs();
    await installation.close();
  });

  it('share the partitions, take over from one that is killed, and hand over at SIGTERM', async () => {
    const one = await installation.startProjector();
    await one.logLine(owning(8));
    const two = await installation.startProjector();
    await Promise.all([one.logLine(owning(4)), two.logLine(owning(4))]);

    const shared = await Promise.all(Array.from({ length: 40 }, () => installation.writeThread(2)));
    await installation.projected(...shared.map(last));
    // Rows are there before the lines that tell of them.
    await waitUntilHealthy('the lines of all', async () =>
      assert.equal(projectedBy(one).size + projectedBy(two).size, 40),
    );
    const [byOne, byTwo] = [projectedBy(one), projectedBy(two)];
    const partitionsOf = (ids: Set<unknown>) =>
      new Set([...ids].map((id) => projectionPartitionOf(String(id), partitions)));
    assert.deepEqual(
      [...partitionsOf(byOne)].filter((partition) => partitionsOf(byTwo).has(partition)),
      [],
    );

    one.kill('SIGKILL');
    const [, after] = await Promise.all([
      two.logLine(owning(8)),
      Promise.all(Array.from({ length: 20 }, () => installation.writeThread(1))),
    ]);
    await installation.projected(...after.map(last));

    const three = await installation.startProjector();
    await three.logLine(owning(4));
    two.kill('SIGTERM');
    assert.equal(await two.exited, 0);
    await three.logLine(owning(8));
    const final = await Promise.all(Array.from({ length: 20 }, () => installation.writeThread(1)));
    await installation.projected(...final.map(last));
    assert.deepEqual(await installation.counts(), { threads: 80, messages: 120 });
  });

  it('take over from one that is stopped within a transaction, which then changes nothing any more', async () => {
    const [first] = await installation.writeThread(1);
    assert.ok(first);
    const one = await installation.startProjector();
    await installation.projected({ ...first, version: 2 });
    const two = await installation.startProjector();
    await Promise.all([one.logLine(owning(4)), two.logLine(owning(4))]);
    // A thread of the first's, whose row is held so that the projector waits for it in its transaction.
    let commits: Commit[];
    do commits = await installation.writeThread(1);
    while ((await installation.projected(last(commits)), !projectedBy(one).has(last(commits).aggregateId)));
    const id = last(commits).aggregateId;
    const holder = await createConnection(installation.databaseUrl);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT id FROM threads WHERE id = ? FOR UPDATE', [id]);
    const [creation] = commits as [Commit];
    const next = { ...last(commits), version: 3, commandId: 'command-3', events: [] };
    await installation.write(next);
    await untilWaiting(installation);
    one.kill('SIGSTOP');
    await holder.query('ROLLBACK');
    await holder.end();
    const others = await Promise.all(Array.from({ length: 20 }, () => installation.writeThread(1)));
    await installation.projected(next, ...others.map(last));
    one.kill('SIGCONT');
    await Promise.all([one.logLine(owning(4)), installation.writeThread(1, ulid())]);
    const more = { ...next, version: 4, commandId: 'command-4' };
    await installation.write(more);
    await installation.projected({ ...creation, version: 4 });
    const [letters] = await installation.database.rows<{ count: number }>('SELECT COUNT(*) AS count FROM dead_letters');
    assert.equal(Number(letters?.count), 0);
  });

  it('go on where the one projector of before was, and refuse another number of partitions', async () => {
    const commits = await installation.writeThread(3);
    const before = await installation.startProjector({ PROJECTION_PARTITIONS: '1' });
    await installation.projected(last(commits));
    before.kill('SIGTERM');
    assert.equal(await before.exited, 0);
    const missed = await Promise.all(Array.from({ length: 20 }, () => installation.writeThread(1)));
    await installation.database.transaction((tx) =>
      tx.run("INSERT INTO dead_letters VALUES ('threads', ?, 9, 0, 'Command', 'request', 'why', 0)", [
        last(commits).aggregateId,
      ]),
    );

    const after = await installation.startProjector();
    await installation.projected(...missed.map(last));
    assert.ok(!after.logLines.some(({ msg }) => String(msg).startsWith('reading the feed from its beginning')));
    const rows = await installation.database.rows<{ partitions: number; sequence: number }>(
      'SELECT partitions, feed_sequence AS sequence FROM projection_checkpoints ORDER BY partition_number',
    );
    assert.deepEqual(
      rows.map((row) => row.partitions),
      Array(8).fill(8),
    );
    const [letter] = await installation.database.rows<{ number: number }>(
      'SELECT partition_number AS number FROM dead_letters',
    );
    assert.equal(letter?.number, projectionPartitionOf(last(commits).aggregateId, partitions));
    after.kill('SIGKILL');
    await after.exited;
    await new Promise((resolve) => setTimeout(resolve, 2_500));

    const other = await installation.startProjector({ PROJECTION_PARTITIONS: '5' });
    const line = await other.logLine(({ msg }) => msg === 'the installation has changed, stopping');
    assert.match(JSON.stringify(line), /Start with PROJECTION_PARTITIONS=8/);
    assert.equal(await other.exited, 0);
  });
});

/** Until some transaction waits for a row's lock. The server makes this list anew when nobody has asked for 100 ms. */
async function untilWaiting({ database }: InstallationFixture): Promise<void> {
  for (;;) {
    const waiting = await database.rows("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'");
    if (waiting.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
