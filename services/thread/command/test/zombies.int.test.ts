import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { AssignmentStore } from '../../../../platform/nats/assignment-store.js';
import { KvSnapshotStore } from '../../../../platform/nats/kv-snapshot-store.js';
import { CutProxy } from '../../../../mesh/servers/index.js';
import { assignPartitions } from '../../../../platform/ownership/assignment.js';
import { RunningInstances, type Instance } from './running-instances.js';

const REFUSED = 'the journal refused a commit: another one was there first';

/** A late write of these threads, which the journal has refused. */
function refusalAt({ service }: Instance, threadIds: readonly string[]): Promise<unknown> {
  return service.logLine(({ msg, thread_id }) => msg === REFUSED && threadIds.includes(String(thread_id)));
}

describe('of three thread-command processes, an owner', function () {
  this.timeout(90_000);
  let those: RunningInstances;
  /** Between the last process and NATS. */
  let network: CutProxy;

  /** @param env of the last process, beyond its way to NATS */
  async function startThree(env: Record<string, string> = {}): Promise<void> {
    those = await RunningInstances.startThree(async (nats) => {
      network = await CutProxy.start(nats.port);
      return { NATS_URL: `nats://127.0.0.1:${network.port}`, ...env };
    });
  }
  afterEach(async () => {
    await those.stop();
    await network.close();
  });

  it('that leaves saves snapshots of threads that are long to load, and of no others', async () => {
    await startThree();
    const leaving = those.at(2);
    const [long, short] = those.threadsOf(leaving);
    assert.ok(long !== undefined && short !== undefined);
    for (let count = 0; count < 60; count += 1) await those.add(long, those.at(0));
    await those.add(short, those.at(0));
    leaving.service.kill('SIGTERM');
    assert.equal(await leaving.service.exited, 0);
    await those.look(async (link) => {
      const store = new KvSnapshotStore(link, { prefix: 'THREAD' });
      assert.equal((await store.load(long))?.version, 61);
      assert.equal(await store.load(short), undefined);
    });
    await those.add(long, those.at(0));
    await those.checkJournal();
  });

  it('that was paused decides nothing more, hands on what it has in memory, and there is one history', async () => {
    await startThree();
    const paused = those.at(2);
    const [crowded] = those.threadsOf(paused);
    assert.ok(crowded);
    const crowd: Promise<unknown>[] = [];
    const disturb = async (): Promise<void> => {
      await those.untilAnswered(200);
      const takenOver = those.untilOwning(32, [those.at(0), those.at(1)]);
      // More than are appended at a time (128) are in its memory when it stops: the rest is not decided when it wakes up.
      network.cut('silent');
      crowd.push(...Array.from({ length: 400 }, () => those.add(crowded, paused)));
      await delay(700);
      paused.service.kill('SIGSTOP');
      network.heal();
      // It finds these when it wakes up.
      crowd.push(...those.threadIds.map((threadId) => those.add(threadId, paused)));
      await takenOver;
      await those.add(crowded, those.at(0));
      // Soon, before the deadlines of what it has in memory.
      paused.service.kill('SIGCONT');
      await those.untilAnswered(400);
    };
    const others = those.threadIds.filter((threadId) => threadId !== crowded);
    // None fails, and none is repeated by its caller.
    await those.loadWhile([those.at(0), those.at(1)], disturb, others);
    await Promise.all(crowd);
    await those.checkJournal();
  });

  it('that was killed owns nothing, though NATS was killed as well and shows that it does', async () => {
    await startThree();
    const living = [those.at(0), those.at(1)] as const;
    const addToAll = () =>
      Promise.all(those.threadIds.map((id, index) => those.add(id, living[index % 2] ?? living[0])));
    const takenOver = those.untilOwning(32, living);
    those.at(2).service.kill('SIGKILL');
    await those.nats.kill('SIGKILL');
    await those.nats.restart();
    await takenOver;
    await addToAll();
    const takenBack = those.untilOwning(32, living);
    // As a server leaves it that brings back what was over: everything belongs to who is dead.
    await those.look(async (link) => {
      const store = new AssignmentStore(link, { prefix: 'THREAD' });
      const known = ['DEAD-1', 'DEAD-2'].map((id) => ({ id, address: '', startedAt: 0 }));
      const forged = assignPartitions(['DEAD-1', 'DEAD-2'], 64);
      const { revision = 0 } = (await store.read()) ?? {};
      await store.replace(revision, { ...forged, id: 'forged', partitions: 64, known });
    });
    await takenBack;
    await addToAll();
    await those.checkJournal();
  });

  it('that was cut off from NATS writes too late, is refused, and there is one history', async () => {
    await startThree();
    const cut = those.at(2);
    const own = those.threadsOf(cut);
    assert.ok(own.length > 0);
    const atCut: Promise<unknown>[] = [];
    await those.loadWhile([those.at(0), those.at(1)], async () => {
      await those.untilAnswered(200);
      const takenOver = those.untilOwning(32, [those.at(0), those.at(1)]);
      network.cut('silent');
      // As long as it takes itself for the owner it appends; its later commands go to others, which it cannot reach.
      for (let turn = 0; turn < 12; turn += 1) {
        for (const threadId of own) atCut.push(those.add(threadId, cut));
        await delay(100);
      }
      await takenOver;
      await those.untilAnswered(200);
      network.heal();
      await refusalAt(cut, own);
      await those.untilAnswered(200);
    });
    // Each was repeated inside, and none was lost.
    await Promise.all(atCut);
    await those.checkJournal();
  });

  it('that is cut off for long says so to its callers in time, and serves again afterwards', async () => {
    await startThree({ COMMAND_TIMEOUT_MS: '8000' });
    const cut = those.at(2);
    const own = those.threadsOf(cut);
    const lost = cut.service.logLine(({ msg }) => msg === 'NATS is lost');
    const takenOver = those.untilOwning(32, [those.at(0), those.at(1)]);
    network.cut('silent');
    const refused = await Promise.allSettled(own.map((threadId) => those.add(threadId, cut)));
    // Of the service, at its COMMAND_TIMEOUT_MS; the client would have waited longer.
    for (const outcome of refused) {
      assert.match(
        outcome.status === 'rejected' ? String(outcome.reason) : 'answered',
        /UNAVAILABLE|DEADLINE_EXCEEDED/,
      );
      assert.match(outcome.status === 'rejected' ? String(outcome.reason) : '', /request id/);
    }
    await Promise.all([takenOver, lost]);
    const past = new Set(cut.service.logLines);
    const back = cut.service.logLine(
      (line) => !past.has(line) && line.msg === 'ownership changed' && Number(line.owned) > 0,
    );
    network.heal();
    await back;
    await those.loadWhile(those.instances, () => those.untilAnswered(300));
    await those.checkJournal();
  });
});
