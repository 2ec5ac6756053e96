import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import { createLogger } from '../../../../platform/telemetry/logger.js';
import { errorDetails } from '../../../../platform/testing/error-info.js';
import { protoClient, type ProtoClient } from '../../../../platform/testing/proto-client.js';
import { startNatsCluster, startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';

const LIMIT = 3;
const STREAM = 'THREAD_CREATIONS';

describe('the quota of threads that an account creates', function () {
  this.timeout(120_000);
  let nats: RunningServer;
  let those: Instances;

  describe('with a stream per thread', () => {
    before(async () => (nats = await startNatsServer()));
    after(() => nats.stop());
    beforeEach(() => (those = new Instances(nats.url)));
    afterEach(() => those.stop());

    it('ends at the bound, which the refusal names; others create, repeats get their first answer, to destroy frees nothing', async () => {
      const { commands, olderCommands } = await those.start();
      const account = ulid();
      // What is rejected takes no place.
      for (let times = 0; times <= LIMIT; times += 1) {
        await assert.rejects(create(commands, account, { parent_thread_id: ulid() }), {
          code: status.FAILED_PRECONDITION,
        });
      }
      const requests = Array.from({ length: LIMIT }, () => ({ request_id: ulid() }));
      const createAll = () => Promise.all(requests.map((request) => create(commands, account, request)));
      const created = await createAll();
      await assert.rejects(create(commands, account), isRefused);
      const older = { account_id: account, title: 'older', administrator_ids: [account] };
      await assert.rejects(olderCommands.call('CreateThread', older), { code: status.RESOURCE_EXHAUSTED });
      assert.ok((await create(commands, ulid())).thread_id);
      assert.deepEqual(await createAll(), created);
      await commands.call('DestroyThread', { account_id: account, thread_id: created[0]?.thread_id });
      await assert.rejects(create(commands, account), isRefused);

      await forgetRepeats(nats.url);
      assert.deepEqual(await createAll(), created);
      await assert.rejects(create(commands, account), isRefused);
    });

    it('is not used up by what was refused for another reason, outlives NATS, and follows the setting', async () => {
      const account = ulid();
      const repeated = { request_id: ulid() };
      const { commands: full } = await those.start({ JOURNAL_MAX_STREAMS: '1' });
      for (const request of [repeated, repeated, {}, {}]) {
        await assert.rejects(create(full, account, request), (error: ServiceError) => {
          assert.equal(errorDetails(error).reason, 'JOURNAL_FULL');
          return true;
        });
      }
      await those.stop();
      const { commands } = await those.start();
      // One that was refused before counts as any other.
      for (const request of [repeated, {}, {}]) await create(commands, account, request);
      await assert.rejects(create(commands, account), isRefused);
      await those.stop();
      await nats.kill('SIGKILL');
      await nats.restart();
      const { commands: more } = await those.start({ JOURNAL_MAX_STREAMS_PER_ACCOUNT: String(LIMIT + 1) });
      await create(more, account);
      await assert.rejects(create(more, account), { code: status.RESOURCE_EXHAUSTED });
    });
  });

  for (const [where, startNats, replicas] of [
    ['one NATS', startNatsServer, 1],
    ['three NATS nodes', startNatsCluster, 3],
  ] as const) {
    it(`holds for two instances at once, on ${where}`, async () => {
      const servers = await startNats();
      those = new Instances(servers.url);
      try {
        const env = { NATS_REPLICAS: String(replicas) };
        const [first, second] = await Promise.all([those.start(env), those.start(env)]);
        const account = ulid();
        // Each twice at once, so that a repeat meets the first one under way.
        const requests = Array.from({ length: 3 * LIMIT }, () => ({ request_id: ulid() }));
        const outcomes = await Promise.all(
          [...requests, ...requests].map((request, index) =>
            create((index % 2 === 0 ? first : second).commands, account, request).then(
              ({ thread_id }) => String(thread_id),
              (error: ServiceError) => isRefused(error) && 'refused',
            ),
          ),
        );
        const created = outcomes.filter((outcome) => outcome !== 'refused');
        assert.deepEqual([created.length, new Set(created).size], [2 * LIMIT, LIMIT]);
      } finally {
        await those.stop();
        await servers.stop();
      }
    });
  }
});

class Instances {
  readonly #services: ServiceProcess[] = [];
  readonly #clients: ProtoClient[] = [];

  constructor(private readonly natsUrl: string) {}

  async start(env: Record<string, string> = {}) {
    const settings = { NATS_URL: this.natsUrl, JOURNAL_MAX_STREAMS_PER_ACCOUNT: String(LIMIT), ...env };
    const service = await startServiceProcess('services/thread/command/main.ts', settings);
    const { address } = service;
    const file = 'threadweaver/thread/v1/thread_command_service.proto';
    const commands = protoClient(file, 'threadweaver.thread.v1.ThreadCommandService', address);
    const olderCommands = protoClient('thread/thread_services.proto', 'thread.ThreadCommandService', address);
    this.#services.push(service);
    this.#clients.push(commands, olderCommands);
    return { commands, olderCommands };
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    const services = this.#services.splice(0);
    for (const service of services) service.kill('SIGTERM');
    await Promise.all(services.map(({ exited }) => exited));
  }
}

function create(commands: ProtoClient, account: string, more: object = {}): Promise<Record<string, unknown>> {
  const request = { account_id: account, title: 'a thread', administrator_ids: [account], ...more };
  return commands.call('CreateThread', request, { timeoutMs: 60_000 });
}

function isRefused(error: ServiceError): true {
  assert.equal(error.code, status.RESOURCE_EXHAUSTED, error.message);
  assert.equal(errorDetails(error).reason, 'TOO_MANY_THREADS');
  assert.match(error.details, new RegExp(`\\b${LIMIT} threads`));
  return true;
}

/** As if an hour had passed: NATS knows no repeat any more. */
async function forgetRepeats(url: string): Promise<void> {
  const link = await NatsLink.open({ url, name: 'test', logger: createLogger('test', 'silent') });
  try {
    const { config } = await link.manager.streams.info(STREAM);
    await link.manager.streams.update(STREAM, { ...config, duplicate_window: 100_000_000 });
    const isKnown = async () => {
      const { duplicate } = await link.publish(`thread.created.${ulid()}`, new Uint8Array(), undefined, { msgId: 'x' });
      return duplicate;
    };
    await isKnown();
    while (await isKnown()) await delay(50);
  } finally {
    await link.close();
  }
}
