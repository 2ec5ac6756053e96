import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import type { RunningMesh } from '../../mesh/local/index.js';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { openJournal, type JournalLayout } from '../../platform/nats/open-journal.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import type { Journal } from '../../platform/journal/journal.js';
import { threadEventCodec } from '../../services/thread/events/thread-event-codec.js';
import { eventually } from './eventually.js';
import type { RestClient } from './rest-client.js';

/** One writer's thread and what became of each text that it posted. */
export interface Written {
  readonly account: string;
  readonly threadId: string;
  /** Text → the message id in the acknowledgement. */
  readonly acknowledged: Map<string, string>;
  readonly attempted: Set<string>;
}

/** Several writers that post to a thread of their own each, one message after the other, whatever happens. */
export class CommandLoad {
  #isRunning = true;
  #longestMs = 0;
  readonly #loops: Promise<void>[];

  private constructor(
    private readonly rest: RestClient,
    private readonly writers: readonly Written[],
  ) {
    this.#loops = writers.map((written) => this.#loop(written));
  }

  /** @param writers how many. @default 4 */
  static async start(rest: RestClient, writers = 4): Promise<CommandLoad> {
    return new CommandLoad(rest, await Promise.all(Array.from({ length: writers }, () => openThread(rest))));
  }

  /** The longest time that a writer has waited for an acknowledgement, repeats included, since the last call of this. */
  takeLongestMs(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  /** Waits until every writer has got on. @throws AssertionError when that takes too long */
  async progress(timeoutMs = 30_000): Promise<void> {
    const goals = this.writers.map(({ acknowledged }) => acknowledged.size + 5);
    const reach = async (): Promise<void> => {
      for (const [index, { threadId, acknowledged }] of this.writers.entries()) {
        const [actual, goal] = [acknowledged.size, goals[index] ?? 0];
        assert.ok(actual >= goal, `${actual} of ${goal} acknowledgements in ${threadId}`);
      }
    };
    await eventually(reach, timeoutMs);
  }

  /** Ends the load; then journal and read model must have each acknowledged message, once. */
  async stopAndCheck(mesh: RunningMesh, layout: JournalLayout = 'per-thread'): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#loops);
    const link = await NatsLink.open({ url: mesh.natsUrl, name: 'checker', logger: createLogger('e2e', 'silent') });
    try {
      const journal = openJournal(link, { prefix: 'THREAD', layout });
      for (const written of this.writers) {
        await checkJournal(journal, written);
        await eventually(() => checkReadModel(this.rest, written), 20_000);
      }
    } finally {
      await link.close();
    }
  }

  async #loop(written: Written): Promise<void> {
    while (this.#isRunning) {
      const started = Date.now();
      await post(this.rest, written);
      this.#longestMs = Math.max(this.#longestMs, Date.now() - started);
    }
  }
}

/** Creates a thread by REST. */
export async function openThread(rest: RestClient): Promise<Written> {
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
export async function post(rest: RestClient, { account, threadId, acknowledged, attempted }: Written): Promise<void> {
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
async function checkJournal(journal: Journal, { threadId, acknowledged, attempted }: Written): Promise<void> {
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

/** Queries show each acknowledged text, once, with the id that was acknowledged, and nothing else. */
export async function checkReadModel(rest: RestClient, { account, threadId, acknowledged }: Written): Promise<void> {
  const { status, json } = await rest.get(`/v1/threads/${threadId}/messages?account_id=${account}&limit=5000`);
  assert.equal(status, 200);
  const { result } = json as { result: { id: string; body: string }[] };
  assert.deepEqual(new Map(result.map(({ id, body }) => [body, id])), acknowledged);
  assert.equal(result.length, acknowledged.size);
}
