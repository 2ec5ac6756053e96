import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { eventually } from './eventually.js';
import type { RestAnswer, RestClient } from './rest-client.js';

/** A thread as a test made it. */
export interface TestThread {
  readonly id: string;
  /** Administrates it, and is no member. */
  readonly administrator: string;
  /** Only a member. */
  readonly member: string;
}

/** An account that nobody has used. */
export function newAccount(): string {
  return ulid();
}

/** Creates a thread by REST and waits until queries show it. */
export async function newThread(rest: RestClient, overrides: object = {}): Promise<TestThread> {
  const administrator = newAccount();
  const member = newAccount();
  const answer = await rest.post('/v1/threads/create', {
    accountId: administrator,
    title: 'title',
    administratorIds: [administrator],
    memberIds: [member],
    createAt: 10_000,
    ...overrides,
  });
  assert.equal(answer.status, 200, answer.text);
  const thread = { id: answer.json.threadId as string, administrator, member };
  await eventually(async () => assert.equal((await viewOf(rest, thread)).thread.status, 200));
  return thread;
}

/** What queries answered about one thread. */
export interface ThreadView {
  readonly thread: RestAnswer;
  readonly administrators: RestAnswer;
  readonly members: RestAnswer;
  readonly messages: RestAnswer;
}

/** All that queries show of a thread to its administrator. */
export async function viewOf(rest: RestClient, { id, administrator }: TestThread): Promise<ThreadView> {
  const query = `?account_id=${administrator}&limit=5000`;
  const [thread, administrators, members, messages] = await Promise.all([
    rest.get(`/v1/threads/${id}${query}`),
    rest.get(`/v1/threads/${id}/administrator-ids${query}`),
    rest.get(`/v1/threads/${id}/member-ids${query}`),
    rest.get(`/v1/threads/${id}/messages${query}`),
  ]);
  return { thread, administrators, members, messages };
}

/** Posts one message by REST and waits until queries show it. @returns its id */
export async function newMessage(rest: RestClient, thread: TestThread, text = 'text'): Promise<string> {
  const answer = await rest.post(`/v1/threads/${thread.id}/messages/add`, {
    accountId: thread.member,
    messages: [{ toAccountIds: [], text }],
    createAt: 10_000,
  });
  const [id] = answer.json.messageIds as string[];
  assert.ok(id, answer.text);
  await eventually(async () => assert.ok((await viewOf(rest, thread)).messages.text.includes(id)));
  return id;
}

/**
 * Fails when `attempt` changes anything of the thread that queries show. A command that follows it, a marker, shows that
 * queries have caught up.
 */
export async function changesNothing(
  rest: RestClient,
  thread: TestThread,
  attempt: () => Promise<unknown>,
): Promise<void> {
  const marker = () => newMessage(rest, thread, 'marker');
  const stateOf = async () => {
    const { administrators, members, messages } = await viewOf(rest, thread);
    return [administrators.json.results, members.json.results, messages.json.result] as unknown[][];
  };
  await marker();
  const before = await stateOf();
  await attempt();
  await marker();
  const after = await stateOf();
  assert.deepEqual(after.slice(0, 2), before.slice(0, 2));
  assert.deepEqual(after[2]?.slice(0, -1), before[2]);
}
