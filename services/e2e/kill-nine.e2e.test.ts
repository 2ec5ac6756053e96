import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { startMesh, type MeshProcessName, type RunningMesh } from '../../mesh/local/index.js';
import { JetStreamJournal } from '../shared/adapters/nats/jetstream-journal.js';
import { NatsLink } from '../shared/adapters/nats/nats-link.js';
import { createLogger } from '../shared/adapters/telemetry/logger.js';
import { threadEventCodec } from '../thread-events/thread-event-codec.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';

const victims: readonly MeshProcessName[] = [
  'thread-command',
  'nats',
  'thread-projector',
  'mysql',
  'thread-query',
  'envoy',
];
const WRITERS = 4;

/** One writer's thread and what became of each text that it posted. */
interface Written {
  readonly account: string;
  readonly threadId: string;
  /** Text → the message id in the acknowledgement. */
  readonly acknowledged: Map<string, string>;
  readonly attempted: Set<string>;
}

describe('kill -9 of each process in turn, under a loop of commands', function () {
  this.timeout(180_000);
  let mesh: RunningMesh;
  let rest: RestClient;

  before(async () => {
    mesh = await startMesh();
    rest = new RestClient(mesh.url);
  });
  after(() => mesh?.stop());

  it('loses nothing that was acknowledged and applies nothing twice', async () => {
    let running = true;
    let acknowledgements = 0;
    const writers = await Promise.all(Array.from({ length: WRITERS }, () => openThread(rest)));
    const loops = writers.map(async (written) => {
      while (running) {
        await post(rest, written);
        acknowledgements = writers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
      }
    });
    const progress = async (): Promise<void> => {
      const goal = acknowledgements + 20;
      await eventually(() => assertReached(acknowledgements, goal), 30_000);
    };

    await progress();
    for (const victim of victims) {
      await mesh.process(victim).kill('SIGKILL');
      await mesh.process(victim).waitHealthy();
      await progress();
    }
    running = false;
    await Promise.all(loops);

    const link = await NatsLink.open({
      url: mesh.process('nats').url,
      name: 'checker',
      logger: createLogger('e2e', 'silent'),
    });
    try {
      const journal = new JetStreamJournal(link, { prefix: 'THREAD' }, () => undefined);
      for (const written of writers) {
        await checkJournal(journal, written);
        await eventually(() => checkReadModel(rest, written), 20_000);
      }
    } finally {
      await link.close();
    }
  });

  it('shows the same threads after a restart of everything', async () => {
    const written = await openThread(rest);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written));
    for (const name of [...victims].reverse()) await mesh.process(name).kill('SIGTERM');
    await Promise.all(victims.map((name) => mesh.process(name).waitHealthy()));
    await eventually(() => checkReadModel(rest, written), 20_000);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written), 20_000);
  });
});

async function openThread(rest: RestClient): Promise<Written> {
  const account = ulid();
  const { json } = await rest.post('/v1/threads/create', {
    accountId: account,
    title: 'under fire',
    administratorIds: [account],
    memberIds: [],
    createAt: Date.now(),
  });
  const { threadId } = json as { threadId: string };
  return { account, threadId, acknowledged: new Map(), attempted: new Set() };
}

/** Posts one message, repeating with the same request id until there is an answer, as a careful client does. */
async function post(rest: RestClient, { account, threadId, acknowledged, attempted }: Written): Promise<void> {
  const text = ulid();
  const requestId = ulid();
  const body = { accountId: account, messages: [{ toAccountIds: [], text }], createAt: Date.now() };
  attempted.add(text);
  for (;;) {
    const answer = await rest
      .post(`/v1/threads/${threadId}/messages/add`, body, { 'x-request-id': requestId })
      .catch(() => undefined);
    if (answer?.status === 200) {
      const { messageIds, error_messages: errors } = answer.json as { messageIds: string[]; error_messages: string[] };
      assert.deepEqual(errors, []);
      assert.equal(messageIds.length, 1);
      acknowledged.set(text, String(messageIds[0]));
      return;
    }
    // Connection refused or reset, 503 or 504: the outcome is unknown.
    assert.ok(answer === undefined || answer.status >= 500, `${answer?.status} ${answer?.text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Versions are contiguous, and each text is in the journal just once, with the id that was acknowledged. */
async function checkJournal(journal: JetStreamJournal, { threadId, acknowledged, attempted }: Written): Promise<void> {
  const ids = new Map<string, string>();
  let version = 0;
  for await (const commit of journal.read(threadId, 1)) {
    version += 1;
    assert.equal(commit.version, version);
    for (const event of commit.events.map((recorded) => threadEventCodec.decode(recorded))) {
      if (event.type !== 'MessagesAdded') continue;
      for (const { id, text } of event.messages) {
        assert.ok(!ids.has(text), 'applied twice');
        assert.ok(attempted.has(text));
        ids.set(text, id);
      }
    }
  }
  for (const [text, id] of acknowledged) assert.equal(ids.get(text), id, 'acknowledged and lost');
}

async function checkReadModel(rest: RestClient, { account, threadId, acknowledged }: Written): Promise<void> {
  const { status, json } = await rest.get(`/v1/threads/${threadId}/messages?account_id=${account}&limit=5000`);
  assert.equal(status, 200);
  const { result } = json as { result: { id: string; body: string }[] };
  assert.deepEqual(new Map(result.map(({ id, body }) => [body, id])), acknowledged);
  assert.equal(result.length, acknowledged.size);
}

async function assertReached(actual: number, goal: number): Promise<void> {
  assert.ok(actual >= goal, `${actual} of ${goal} acknowledgements`);
}
