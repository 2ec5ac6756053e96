import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ulid } from 'ulid';
import { protoClient } from '../../../../platform/testing/proto-client.js';
import { RunningInstances } from './running-instances.js';

const run = promisify(execFile);

describe('three thread-command processes', function () {
  this.timeout(60_000);
  let those: RunningInstances;

  beforeEach(async () => (those = await RunningInstances.startThree(async () => ({}))));
  afterEach(() => those.stop());

  it('carry out each command once, whichever gets it, and each thread at one of them', async () => {
    await those.loadWhile(those.instances, () => those.untilAnswered(500));
    await those.checkJournal();
    // A thread's commits are logged by who made them.
    const makers = those.threadIds.map((threadId) =>
      those.instances.filter(({ service }) =>
        service.logLines.some(({ msg, thread_id }) => msg === 'committed' && thread_id === threadId),
      ),
    );
    assert.ok(makers.every((those) => those.length === 1));
    assert.equal(new Set(makers.map(([maker]) => maker)).size, 3);
    // Creating in a thread of another owner asks for the parent there, and says so when there is none.
    const child = { account_id: those.account, title: 'child', administrator_ids: [those.account] };
    for (const { commands } of those.instances) {
      for (const parent_thread_id of those.threadIds.slice(0, 4)) {
        assert.ok((await commands.call('CreateThread', { ...child, parent_thread_id })).thread_id);
      }
      await assert.rejects(commands.call('CreateThread', { ...child, parent_thread_id: ulid() }));
      await assert.rejects(commands.call('DestroyThread', { account_id: ulid(), thread_id: those.threadIds[0] }), /./);
    }
  });

  it('tell operators who owns what, all alike', async () => {
    const told = await Promise.all(
      those.instances.map(async ({ adminAddress }) => {
        const admin = protoClient(
          'threadweaver/admin/v1/ownership_service.proto',
          'threadweaver.admin.v1.OwnershipService',
          adminAddress,
        );
        try {
          const which = await admin.call('Which', { thread_id: those.threadIds[0] });
          await assert.rejects(admin.call('Which', { thread_id: 'x' }), /thread_id/);
          return { ownership: await admin.call('GetOwnership', {}), which };
        } finally {
          admin.close();
        }
      }),
    );
    const [first] = told;
    assert.ok(first);
    const { partitions, members } = first.ownership as { partitions: { owner: string }[]; members: { id: string }[] };
    assert.equal(partitions.length, 64);
    assert.equal(new Set(partitions.map(({ owner }) => owner)).size, 3);
    assert.equal(new Set(told.map(({ ownership }) => ownership.self)).size, 3);
    for (const { ownership, which } of told) {
      assert.deepEqual([ownership.partitions, ownership.members, ownership.current], [partitions, members, true]);
      assert.deepEqual(which, first.which);
    }
    const held = told.reduce((sum, { ownership }) => sum + Number(ownership.aggregates_in_memory), 0);
    assert.equal(held, those.threadIds.length);
    const { stdout } = await run(process.execPath, [
      ...['--import', 'tsx', 'services/admin.ts', 'thread', 'ownership', '--address', those.at(1).adminAddress],
    ]);
    assert.ok(
      members.every(({ id }) => stdout.includes(id)),
      stdout,
    );
  });

  it('hand over on SIGTERM without a failed call and without a gap, and on joining', async () => {
    const leaving = those.at(0);
    await those.loadWhile([those.at(1), those.at(2)], async () => {
      await those.untilAnswered(200);
      leaving.service.kill('SIGTERM');
      assert.equal(await leaving.service.exited, 0);
      await those.untilAnswered(200);
    });
    const joined = await those.start();
    await those.loadWhile([those.at(1), those.at(2), joined], () => those.untilAnswered(200));
    await those.checkJournal();
  });

  it('take over after kill -9 while callers just wait', async () => {
    await those.loadWhile([those.at(1), those.at(2)], async () => {
      await those.untilAnswered(200);
      const takenOver = those.untilOwning(32, [those.at(1), those.at(2)]);
      those.at(0).service.kill('SIGKILL');
      await takenOver;
      await those.untilAnswered(200);
    });
    await those.checkJournal();
  });

  it('go on after NATS was killed', async () => {
    await those.loadWhile(those.instances, async () => {
      await those.untilAnswered(200);
      await those.nats.kill('SIGKILL');
      await those.nats.restart();
      await those.untilAnswered(400);
    });
    await those.checkJournal();
  });
});
