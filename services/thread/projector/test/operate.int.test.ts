import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import type { Commit } from '../../../../platform/journal/journal.js';
import { resultOf } from '../../../../platform/testing/command-process.js';
import { protoClient } from '../../../../platform/testing/proto-client.js';
import type { ServiceProcess } from '../../../../platform/testing/service-process.js';
import type { ProjectionStatus } from '../../../../platform/admin/projection/projection-status.js';
import { history, InstallationFixture, poisonedHistory } from './installation-fixture.js';
import { commitOf } from './projection-fixture.js';

const last = (commits: Commit[]): Commit => commits.at(-1) as Commit;

describe('npm run admin -- thread projection', function () {
  this.timeout(90_000);
  let installation: InstallationFixture;
  beforeEach(async () => (installation = await InstallationFixture.open()));
  afterEach(async function () {
    if (this.currentTest?.isFailed()) installation.showLogs();
    await installation.close();
  });

  async function say(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await installation.run(...args);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  async function status(): Promise<ProjectionStatus> {
    return JSON.parse(await say('status', '--json')) as ProjectionStatus;
  }

  const sum = ({ partitions }: ProjectionStatus, key: 'lagCommits' | 'parkedThreads' | 'parkedCommits'): number =>
    partitions.reduce((total, line) => total + line[key], 0);
  const statesOf = ({ partitions }: ProjectionStatus): string[] => [...new Set(partitions.map(({ state }) => state))];

  async function health(service: ServiceProcess): Promise<unknown> {
    const client = protoClient('grpc/health/v1/health.proto', 'grpc.health.v1.Health', service.address);
    try {
      return (await client.call('Check', { service: '' })).status;
    } finally {
      client.close();
    }
  }

  it('pauses before a projector has run, shows the lag, stays paused over a restart, and resumes', async () => {
    await say('pause');
    const one = await installation.startProjector();
    await one.logLine(({ msg }) => msg === 'projecting');
    assert.equal(await health(one), 'SERVING');
    const commits = await installation.writeThread(9);
    await installation.feed.flush(5_000);
    const paused = await status();
    assert.deepEqual([statesOf(paused), sum(paused, 'lagCommits')], [['paused'], 10]);
    const oldest = Math.max(...paused.partitions.map(({ lagMs }) => lagMs));
    assert.ok(oldest > 0);
    assert.ok(paused.partitions.every(({ owner }) => owner?.endsWith(one.address.slice(one.address.indexOf(':')))));

    one.kill('SIGTERM');
    assert.equal(await one.exited, 0);
    const two = await installation.startProjector();
    await two.logLine(({ msg }) => msg === 'projecting');
    const still = await status();
    assert.deepEqual([statesOf(still), sum(still, 'lagCommits')], [['paused'], 10]);
    assert.ok(Math.max(...still.partitions.map(({ lagMs }) => lagMs)) > oldest);
    assert.equal((await installation.counts()).threads, 0);

    assert.match(await say('resume'), /^resumed/);
    await installation.projected(last(commits));
    const resumed = await status();
    assert.deepEqual([statesOf(resumed), sum(resumed, 'lagCommits')], [['running'], 0]);
    assert.equal(await say('resume'), 'it was not paused\n');
    // While it runs.
    await say('pause');
    await installation.writeThread(0);
    await two.logLine(() => two.logLines.filter(({ msg }) => msg === 'paused by an operator').length >= 8 + 8);
    assert.equal((await installation.counts()).threads, 1);
    assert.match(await say('status'), /^PARTITION .*\n0 .* paused .*[^]*\ntotal +1 projectors +paused +1 /);
  });

  it('parks one thread while all others go on; skips, retries and drops what is parked', async () => {
    const service = await installation.startProjector();
    const [skipped, dropped, fine] = [poisonedHistory(4, 3), poisonedHistory(4, 2), history(4)];
    await installation.write(...skipped, ...dropped, ...fine);
    await installation.projected(last(fine));
    await service.logLine(() => service.logLines.filter(({ msg }) => String(msg).startsWith('parked')).length === 2);
    const ids = [skipped, dropped].map((commits) => last(commits).aggregateId) as [string, string];
    await installation.writeThread(3);
    const later = [skipped, dropped].map((commits) => commitOf(last(commits).aggregateId, 6));
    await installation.write(...later);
    for (const id of ids) await untilParked(id, 6);
    const table = await say('dead-letters', 'list');
    assert.match(table, new RegExp(`${ids[0]} +3-6 +20.* 4 +"FromTheFuture" is no known type of event`));
    assert.match(table, new RegExp(`${ids[1]} +2-6 `));
    const now = await status();
    assert.deepEqual([sum(now, 'parkedThreads'), sum(now, 'parkedCommits'), statesOf(now)], [2, 9, ['running']]);

    const retried = await installation.run('dead-letters', 'retry', '--all');
    assert.equal(retried.code, 1);
    assert.match(retried.stdout, /stays parked at version 3: "FromTheFuture" is no known type of event/);
    const unasked = await installation.run('skip', ids[0]);
    assert.equal(unasked.code, 1);
    assert.match(unasked.stderr, /Leave version 3 out of the read model and retry the others\?[^]*say --yes/);

    assert.match(await say('skip', ids[0], '--yes'), /is live again, at version 6/);
    assert.match(await say('dead-letters', 'drop', ids[1], '--yes'), /is live again, at version 6/);
    assert.equal(await say('dead-letters', 'list'), 'no thread is parked\n');
    // The one lacks the message of version 3, the other all after version 1; both go on live.
    assert.deepEqual(
      await messagesOf(ids),
      new Map([
        [ids[0], 3],
        [ids[1], 0],
      ]),
    );
    const next = ids.map((id) => commitOf(id, 7));
    await installation.write(...next);
    await installation.projected(...next);
    const none = await installation.run('dead-letters', 'retry', ulid());
    assert.deepEqual([none.code, /has no dead letters/.test(none.stderr)], [1, true]);
  });

  it('gives up no commit that creates a thread', async () => {
    await installation.startProjector();
    const commits = poisonedHistory(1, 1);
    await installation.write(...commits);
    await untilParked(last(commits).aggregateId, 2);
    const { code, stdout } = await installation.run('skip', last(commits).aggregateId, '--yes');
    assert.equal(code, 1);
    assert.match(stdout, /stays parked at version 1: it is the commit that creates it/);
  });

  it('reads the feed again from a sequence or a time: what is missing comes, nothing comes twice', async () => {
    await installation.startProjector();
    const [early, late] = [await installation.writeThread(3), await installation.writeThread(3)];
    await installation.projected(last(early), last(late));
    const forget = (...histories: Commit[][]): Promise<void> =>
      installation.database.transaction(async (tx) => {
        for (const [{ aggregateId }] of histories as [Commit][]) {
          await tx.run('DELETE FROM threads WHERE id = ?', [aggregateId]);
          await tx.run('DELETE FROM thread_participants WHERE thread_id = ?', [aggregateId]);
          await tx.run('DELETE FROM messages WHERE thread_id = ?', [aggregateId]);
        }
      });
    await forget(early, late);
    assert.match(await say('rewind', '--to', '1'), /partitions read the feed again from sequence 1, of \d+/);
    await installation.projected(last(early), last(late));
    await forget(late);
    assert.match(await say('rewind', '--to', '2020-01-01T00:00:00Z'), /read the feed again from sequence 1,/);
    await installation.projected(last(late));
    assert.deepEqual(await installation.counts(), { threads: 2, messages: 6 });
    assert.match(await say('rewind', '--to', '2100-01-01T00:00:00Z'), /^nothing to do/);
    assert.match(await say('rewind', '--to', '999999'), /^nothing to do/);
  });

  it('says what is wrong', async () => {
    const nowhere = await resultOf(installation.spawn(['pause'], { MYSQL_URL: 'mysql://root@127.0.0.1:1/none' }));
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /^projector: the database is unavailable.*ECONNREFUSED/);
    const unknown = await installation.run('rewind', '--to', 'yesterday');
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /rewind needs --to with a sequence/);
    assert.match(await say('--help'), /dead-letters retry THREAD/);
    assert.equal(await say('status'), 'no projector has ever run here\n');
  });

  async function untilParked(id: string, version: number): Promise<void> {
    for (;;) {
      const [row] = await installation.database.rows<{ version: number | null }>(
        'SELECT MAX(version) AS version FROM dead_letters WHERE aggregate_id = ?',
        [id],
      );
      if (row?.version === version) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function messagesOf(ids: string[]): Promise<Map<string, number>> {
    const rows = await installation.database.rows<{ id: string; messages: number }>(
      'SELECT id, (SELECT COUNT(*) FROM messages WHERE thread_id = threads.id) AS messages FROM threads WHERE id IN (?)',
      [ids],
    );
    const counted = new Map(rows.map(({ id, messages }) => [id, Number(messages)]));
    return new Map(ids.map((id) => [id, counted.get(id) ?? -1]));
  }
});
