import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ulid } from 'ulid';
import { JetStreamJournal } from '../../shared/adapters/nats/jetstream-journal.js';
import { NatsLink } from '../../shared/adapters/nats/nats-link.js';
import { createLogger } from '../../shared/adapters/telemetry/logger.js';
import { protoClient, type ProtoClient } from '../../shared/testing/proto-client.js';
import { startNatsServer, type RunningServer } from '../../shared/testing/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../shared/testing/service-process.js';

const run = promisify(execFile);
const account = ulid();
const THREADS = 24;
/** How long a call may take when its owner was killed: the pin's and the member's time to live, and some. */
const TAKEOVER_MS = 4_000;

interface Acknowledged {
  readonly threadId: string;
  readonly requestId: string;
  readonly version: number;
}

interface Instance {
  readonly service: ServiceProcess;
  readonly commands: ProtoClient;
}

describe('three thread-command processes', function () {
  this.timeout(60_000);
  let nats: RunningServer;
  let instances: Instance[];
  let threadIds: string[];
  let acknowledged: Acknowledged[];

  async function startInstance(): Promise<Instance> {
    const service = await startServiceProcess('services/thread-command/main.ts', { NATS_URL: nats.url });
    const proto = 'threadweaver/thread/v1/thread_command_service.proto';
    const name = 'threadweaver.thread.v1.ThreadCommandService';
    return { service, commands: protoClient(proto, name, service.address) };
  }

  async function add(threadId: string, { commands }: Instance): Promise<number> {
    const requestId = ulid();
    const startedAt = performance.now();
    const request = { request_id: requestId, account_id: account, thread_id: threadId, messages: [{ text: 'hi' }] };
    const { version } = await commands.call('AddMessages', request);
    acknowledged.push({ threadId, requestId, version: Number(version) });
    return performance.now() - startedAt;
  }

  /**
   * Posts to every thread, one call after the other in each, through these instances in turn, while `disturb` runs.
   * @returns the longest call in milliseconds
   */
  async function loadWhile(through: readonly Instance[], disturb: () => Promise<void>): Promise<number> {
    let isOver = false;
    let longest = 0;
    const posting = threadIds.map(async (threadId, index) => {
      for (let count = 0; !isOver; count += 1) {
        const instance = through[(index + count) % through.length];
        assert.ok(instance);
        const tookMs = await add(threadId, instance);
        longest = Math.max(longest, tookMs);
      }
    });
    await Promise.all([disturb().finally(() => (isOver = true)), ...posting]);
    return longest;
  }

  async function untilAnswered(count: number): Promise<void> {
    const target = acknowledged.length + count;
    while (acknowledged.length < target) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** The next time that each of these owns so many partitions; call it before what causes that. */
  function untilOwning(count: number, those: readonly Instance[]): Promise<unknown> {
    return Promise.all(
      those.map(({ service }) => {
        const past = new Set(service.logLines);
        return service.logLine((line) => !past.has(line) && line.msg === 'ownership changed' && line.owned === count);
      }),
    );
  }

  /** Every acknowledged command is in its thread once, at the version that was told; versions are without gaps. */
  async function checkJournal(): Promise<void> {
    const link = await NatsLink.open({ url: nats.url, name: 'check', logger: createLogger('test', 'silent') });
    try {
      const journal = new JetStreamJournal(link, { prefix: 'THREAD' }, () => undefined);
      for (const threadId of threadIds) {
        const commandIds = new Map<string, number>();
        for await (const { commandId, version } of journal.read(threadId, 1)) {
          assert.ok(!commandIds.has(commandId), 'no command is carried out twice');
          commandIds.set(commandId, version);
          assert.equal(version, commandIds.size);
        }
        for (const answer of acknowledged.filter((each) => each.threadId === threadId)) {
          assert.equal(commandIds.get(`${account}/r/${answer.requestId}`), answer.version);
        }
      }
    } finally {
      await link.close();
    }
  }

  function at(index: number): Instance {
    const instance = instances[index];
    assert.ok(instance);
    return instance;
  }

  beforeEach(async () => {
    nats = await startNatsServer();
    instances = await Promise.all([startInstance(), startInstance(), startInstance()]);
    await Promise.all(
      instances.map(({ service }) =>
        service.logLine(({ msg, owned }) => msg === 'ownership changed' && (owned === 21 || owned === 22)),
      ),
    );
    acknowledged = [];
    const creation = { account_id: account, title: 'a thread', administrator_ids: [account] };
    const creating = Array.from({ length: THREADS }, (_, index) =>
      at(index % 3).commands.call('CreateThread', creation),
    );
    threadIds = (await Promise.all(creating)).map(({ thread_id }) => String(thread_id));
  });
  afterEach(async () => {
    for (const { service, commands } of instances) {
      commands.close();
      service.kill('SIGKILL');
      await service.exited;
    }
    await nats.stop();
  });

  it('carry out each command once, whichever gets it, and each thread at one of them', async () => {
    await loadWhile(instances, () => untilAnswered(500));
    await checkJournal();
    // A thread's commits are logged by who made them.
    const makers = threadIds.map((threadId) =>
      instances.filter(({ service }) =>
        service.logLines.some(({ msg, thread_id }) => msg === 'committed' && thread_id === threadId),
      ),
    );
    assert.ok(makers.every((those) => those.length === 1));
    assert.equal(new Set(makers.map(([maker]) => maker)).size, 3);
    // Creating in a thread of another owner asks for the parent there, and says so when there is none.
    const child = { account_id: account, title: 'child', administrator_ids: [account] };
    for (const { commands } of instances) {
      for (const parent_thread_id of threadIds.slice(0, 4)) {
        assert.ok((await commands.call('CreateThread', { ...child, parent_thread_id })).thread_id);
      }
      await assert.rejects(commands.call('CreateThread', { ...child, parent_thread_id: ulid() }));
      await assert.rejects(commands.call('DestroyThread', { account_id: ulid(), thread_id: threadIds[0] }), /./);
    }
  });

  it('tell operators who owns what, all alike', async () => {
    const told = await Promise.all(
      instances.map(async ({ service }) => {
        const admin = protoClient(
          'threadweaver/admin/v1/ownership_service.proto',
          'threadweaver.admin.v1.OwnershipService',
          service.address,
        );
        try {
          const which = await admin.call('Which', { thread_id: threadIds[0] });
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
    assert.equal(held, THREADS);
    const { stdout } = await run(process.execPath, [
      ...['--import', 'tsx', 'services/thread-command/ownership.ts', '--address', at(1).service.address],
    ]);
    assert.ok(
      members.every(({ id }) => stdout.includes(id)),
      stdout,
    );
  });

  it('hand over on SIGTERM without a failed call and without a gap, and on joining', async () => {
    const leaving = at(0);
    const longest = await loadWhile([at(1), at(2)], async () => {
      await untilAnswered(200);
      leaving.service.kill('SIGTERM');
      assert.equal(await leaving.service.exited, 0);
      await untilAnswered(200);
    });
    console.log(`      longest call during the hand-over: ${Math.round(longest)} ms`);
    // 250 ms is promised on a machine of one's own; this one may be shared.
    assert.ok(longest < 1_000, `${longest} ms`);
    const joined = await startInstance();
    instances.push(joined);
    await loadWhile([at(1), at(2), joined], () => untilAnswered(200));
    await checkJournal();
  });

  it('take over after kill -9 while callers just wait', async () => {
    const longest = await loadWhile([at(1), at(2)], async () => {
      await untilAnswered(200);
      const takenOver = untilOwning(32, [at(1), at(2)]);
      at(0).service.kill('SIGKILL');
      await takenOver;
      await untilAnswered(200);
    });
    console.log(`      longest call around kill -9: ${Math.round(longest)} ms`);
    assert.ok(longest < TAKEOVER_MS, `${longest} ms`);
    await checkJournal();
  });

  it('keep one history when an owner is paused and comes back', async () => {
    const paused = at(0);
    const zombieCalls: Promise<unknown>[] = [];
    const longest = await loadWhile([at(1), at(2)], async () => {
      await untilAnswered(200);
      const takenOver = untilOwning(32, [at(1), at(2)]);
      paused.service.kill('SIGSTOP');
      // It finds these when it wakes up, and believes that it is still the owner.
      zombieCalls.push(...threadIds.map((threadId) => add(threadId, paused)));
      await takenOver;
      await untilAnswered(200);
      paused.service.kill('SIGCONT');
      await untilAnswered(400);
    });
    console.log(`      longest call around a paused owner: ${Math.round(longest)} ms`);
    assert.ok(longest < TAKEOVER_MS, `${longest} ms`);
    await Promise.all(zombieCalls);
    await checkJournal();
  });

  it('go on after NATS was killed', async () => {
    await loadWhile(instances, async () => {
      await untilAnswered(200);
      await nats.kill('SIGKILL');
      await nats.restart();
      await untilAnswered(400);
    });
    await checkJournal();
  });
});
