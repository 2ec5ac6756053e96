import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { StreamPerAggregateJournal } from '../../../../platform/nats/stream-per-aggregate-journal.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import { createLogger } from '../../../../platform/telemetry/logger.js';
import { protoClient, type ProtoClient } from '../../../../platform/testing/proto-client.js';
import { freePort, startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';

const THREADS = 24;
const PARTITIONS = 64;
/** So long that only a call that is lost takes it, however slow the machine is: tests here measure no time. */
const PATIENCE_MS = 60_000;

interface Acknowledged {
  readonly threadId: string;
  readonly requestId: string;
  readonly version: number;
}

/** A thread-command process and a client of it. */
export interface Instance {
  readonly service: ServiceProcess;
  readonly commands: ProtoClient;
  /** Where it serves what is for operators only. */
  readonly adminAddress: string;
}

/** A nats-server of its own, thread-command processes on it, threads, and what was acknowledged in them. */
export class RunningInstances {
  readonly account = ulid();
  readonly instances: Instance[] = [];
  threadIds: string[] = [];
  #acknowledged: Acknowledged[] = [];

  private constructor(readonly nats: RunningServer) {}

  /** Three processes that share the partitions, and 24 threads. `thirdEnv` is of the third one. */
  static async startThree(
    thirdEnv: (nats: RunningServer) => Promise<Record<string, string>>,
  ): Promise<RunningInstances> {
    const those = new RunningInstances(await startNatsServer());
    const env = await thirdEnv(those.nats);
    const started = await Promise.all([those.start(), those.start(), those.start(env)]);
    // The others' order is of no importance.
    those.instances.splice(0, 3, ...started);
    const shares = [Math.floor(PARTITIONS / 3), Math.ceil(PARTITIONS / 3)];
    await Promise.all(
      started.map(({ service }) =>
        service.logLine(({ msg, owned }) => msg === 'handed over' && shares.includes(Number(owned))),
      ),
    );
    const creation = { account_id: those.account, title: 'a thread', administrator_ids: [those.account] };
    const creating = Array.from({ length: THREADS }, (_, index) =>
      those.at(index % 3).commands.call('CreateThread', creation),
    );
    those.threadIds = (await Promise.all(creating)).map(({ thread_id }) => String(thread_id));
    return those;
  }

  /** One more process. */
  async start(env: Record<string, string> = {}): Promise<Instance> {
    const adminPort = await freePort();
    const service = await startServiceProcess('services/thread/command/main.ts', {
      ADMIN_PORT: String(adminPort),
      NATS_URL: this.nats.url,
      COMMAND_TIMEOUT_MS: String(PATIENCE_MS),
      ...env,
    });
    const proto = 'threadweaver/thread/v1/thread_command_service.proto';
    const name = 'threadweaver.thread.v1.ThreadCommandService';
    const commands = protoClient(proto, name, service.address);
    const instance = { service, commands, adminAddress: `127.0.0.1:${adminPort}` };
    this.instances.push(instance);
    return instance;
  }

  at(index: number): Instance {
    const instance = this.instances[index];
    assert.ok(instance);
    return instance;
  }

  /** Posts to a thread, once. How long that takes around each fault is measured by `npm run bench -- --only handover`. */
  async add(threadId: string, { commands }: Instance): Promise<void> {
    const requestId = ulid();
    const messages = [{ text: 'hi' }];
    const request = { request_id: requestId, account_id: this.account, thread_id: threadId, messages };
    const { version } = await commands.call('AddMessages', request, { timeoutMs: PATIENCE_MS });
    this.#acknowledged.push({ threadId, requestId, version: Number(version) });
  }

  /**
   * Posts to threads, all by default, one call after the other in each, through these instances in turn, while
   * `disturb` runs. @throws what a call threw: none is repeated
   */
  async loadWhile(
    through: readonly Instance[],
    disturb: () => Promise<void>,
    threadIds: readonly string[] = this.threadIds,
  ): Promise<void> {
    let isOver = false;
    const posting = threadIds.map(async (threadId, index) => {
      for (let count = 0; !isOver; count += 1) {
        const instance = through[(index + count) % through.length];
        assert.ok(instance);
        await this.add(threadId, instance);
      }
    });
    await Promise.all([disturb().finally(() => (isOver = true)), ...posting]);
  }

  async untilAnswered(count: number): Promise<void> {
    const target = this.#acknowledged.length + count;
    while (this.#acknowledged.length < target) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** The next time that each of these owns so many partitions; call it before what causes that. */
  untilOwning(count: number, those: readonly Instance[]): Promise<unknown> {
    return Promise.all(
      those.map(({ service }) => {
        const past = new Set(service.logLines);
        return service.logLine((line) => !past.has(line) && line.msg === 'ownership changed' && line.owned === count);
      }),
    );
  }

  /** The threads whose commits this instance has made so far. */
  threadsOf({ service }: Instance): string[] {
    const made = service.logLines.filter(({ msg }) => msg === 'committed').map(({ thread_id }) => thread_id);
    return this.threadIds.filter((threadId) => made.includes(threadId));
  }

  /** Something of the installation's NATS, read past all instances. */
  async look<T>(at: (link: NatsLink) => Promise<T>): Promise<T> {
    const link = await NatsLink.open({ url: this.nats.url, name: 'check', logger: createLogger('test', 'silent') });
    try {
      return await at(link);
    } finally {
      await link.close();
    }
  }

  /** Every acknowledged command is in its thread once, at the version that was told; versions are without gaps. */
  checkJournal(): Promise<void> {
    return this.look(async (link) => {
      const journal = new StreamPerAggregateJournal(link, { prefix: 'THREAD' }, () => undefined);
      for (const threadId of this.threadIds) {
        const commandIds = new Map<string, number>();
        for await (const { commandId, version } of journal.read(threadId, 1)) {
          assert.ok(!commandIds.has(commandId), 'no command is carried out twice');
          commandIds.set(commandId, version);
          assert.equal(version, commandIds.size);
        }
        for (const answer of this.#acknowledged.filter((each) => each.threadId === threadId)) {
          assert.equal(commandIds.get(`${this.account}/r/${answer.requestId}`), answer.version);
        }
      }
    });
  }

  async stop(): Promise<void> {
    for (const { service, commands } of this.instances) {
      commands.close();
      service.kill('SIGKILL');
      await service.exited;
    }
    await this.nats.stop();
  }
}
