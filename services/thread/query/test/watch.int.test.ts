import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { errorDetails } from '../../../../platform/testing/error-info.js';
import { messagesAdded } from '../../projector/test/projection-fixture.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import { openQueries } from './query-fixture.js';
import { openWatches, type Message, type Watcher, type Watches } from './watch-fixture.js';

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
describe('WatchThread', () => {
  let watches: Watches;
  let { admin, member, hub, commit, newThread, post, watch } = {} as Watches;
  before(async () => {
    watches = await openWatches();
    ({ admin, member, hub, commit, newThread, post, watch } = watches);
  });
  after(() => watches.close());
  afterEach(() => watches.allGone());

  async function errorOf(watcher: Watcher): Promise<{ code: status; from: string | undefined; reason: unknown }> {
    const error = await watcher.ended;
    assert.ok(error, `ended without an error after ${watcher.versions.join()}`);
    const { reason, metadata } = errorDetails(error);
    return { code: error.code, reason, from: metadata.from_version };
  }

  it('tells history from any version, says where that ends, and then what comes, event by event', async () => {
    const thread = await newThread(2);
    const [all, rest] = [
      watch(thread.toLowerCase(), { account_id: member.toLowerCase() }),
      watch(thread, { from_version: 3 }),
    ];
    await Promise.all([all, rest].map((watcher) => watcher.until(() => watcher.heartbeats.length > 0)));
    assert.deepEqual([all.versions, rest.versions, all.heartbeats[0]], [[1, 2, 3], [3], 3]);
    const replyMessageId = ulid();
    const messages = [{ id: ulid(), text: '😀', toAccountIds: [admin], replyMessageId }];
    await commit(thread, 4, [{ type: 'MessagesAdded', senderId: member, messages, occurredAt: 1_500 }]);
    await commit(thread, 5, []);
    await Promise.all([all, rest].map((watcher) => watcher.until(() => watcher.versions.at(-1) === 5)));
    const [fourth, fifth] = rest.commits.slice(-2) as [Message, Message];
    assert.deepEqual(fifth.events, []);
    assert.deepEqual(fourth.commit_time, { seconds: '1', nanos: 4_000_000 });
    const [{ messages_added: added }] = fourth.events as [{ messages_added: Message }];
    assert.deepEqual(added, {
      sender_id: member,
      messages: [
        {
          id: messages[0]?.id,
          text: '😀',
          to_account_ids: [admin],
          reply_message_id: replyMessageId,
        },
      ],
      occur_time: { seconds: '1', nanos: 500_000_000 },
    });
  });

  it('tells every kind of event', async () => {
    const thread = await newThread();
    const [other, messageId] = [ulid(), ulid()];
    const by = { accountId: admin, occurredAt: 1 };
    const sent = { senderId: member, occurredAt: 1 };
    const events: ThreadEvent[] = [
      { type: 'AdministratorIdsJoined', administratorIds: [other], ...by },
      { type: 'AdministratorIdsLeft', administratorIds: [other], ...by },
      { type: 'MemberIdsJoined', memberIds: [other], ...by },
      { type: 'MemberIdsLeft', memberIds: [other], ...by },
      { type: 'MessagesAdded', messages: [{ id: messageId, toAccountIds: [], text: 'text' }], ...sent },
      { type: 'MessageEdited', messageId, text: 'edited', ...sent },
      { type: 'ReactionAdded', messageId, reaction: '👍', ...by },
      { type: 'ReactionRemoved', messageId, reaction: '👍', ...by },
      { type: 'MessagesRead', messageId, ...by },
      { type: 'ThreadUpdated', title: 'new', clearsRemarks: true, ...by },
      { type: 'MessagesRemoved', removerId: member, messageIds: [messageId], occurredAt: 1 },
    ];
    for (const [index, event] of events.entries()) await commit(thread, index + 2, [event]);
    const watcher = watch(thread);
    await watcher.until(() => watcher.versions.length === events.length + 1);
    assert.deepEqual(
      watcher.commits.slice(1).map((commit) => Object.keys((commit.events as object[])[0] ?? {}).join()),
      events.map(({ type }) => type.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase()),
    );
  });

  it('is refused to those who do not see the thread, as for every query', async () => {
    const thread = await newThread(1);
    const [stranger, nowhere, later] = [ulid(), ulid(), 7];
    for (const watcher of [
      watch(thread, { account_id: stranger }),
      watch(thread, { account_id: stranger, from_version: later }),
      watch(nowhere),
      watch(nowhere, { from_version: later }),
    ]) {
      const { code, reason } = await errorOf(watcher);
      assert.deepEqual([code, reason, watcher.commits], [status.NOT_FOUND, 'THREAD_NOT_FOUND', []]);
    }
    assert.equal(hub.followers, 0);
  });

  it('is decided by the journal where the read model is late, or does not have the thread at all', async () => {
    const thread = await newThread(3, false);
    const [fromStart, resumed] = [watch(thread), watch(thread, { from_version: 5 })];
    await fromStart.until(() => fromStart.versions.length === 4);
    const joiner = ulid();
    await commit(thread, 5, [{ type: 'MemberIdsJoined', accountId: admin, memberIds: [joiner], occurredAt: 1 }], false);
    await resumed.until(() => resumed.versions.length === 1);
    const joined = watch(thread, { account_id: joiner, from_version: 2, min_version: 5 });
    await joined.until(() => joined.versions.length === 4);
    assert.deepEqual(joined.versions, [2, 3, 4, 5]);
    // Who is not seen in the read model is looked for in the journal, whatever version is asked for.
    const unknowing = watch(thread, { account_id: joiner, from_version: 2 });
    await unknowing.until(() => unknowing.versions.length === 4);
  });

  it('names what is wrong with a request', async () => {
    const thread = await newThread();
    const cases: [object, string[]][] = [
      [
        { account_id: 'x', thread_id: '>', from_version: -1, min_version: -1 },
        ['account_id', 'thread_id', 'from_version', 'min_version'],
      ],
      [{ from_version: '9223372036854775807' }, ['from_version']],
      [{ from_version: 3 }, ['from_version']],
      [{ min_version: 2 }, ['min_version']],
    ];
    for (const [overrides, fields] of cases) {
      const error = await watch(thread, overrides).ended;
      assert.equal(error?.code, status.INVALID_ARGUMENT);
      assert.deepEqual(errorDetails(error).fields, fields);
    }
    const next = watch(thread, { from_version: 2 });
    await next.until(() => next.heartbeats.length > 0);
  });

  it('ends after the event by which the account has left, but not while it is still the other', async () => {
    const thread = await newThread();
    await commit(thread, 2, [
      { type: 'AdministratorIdsJoined', accountId: admin, administratorIds: [member], occurredAt: 1 },
    ]);
    for (const isProjected of [true, false]) {
      const watcher = watch(thread, { from_version: 2 });
      await watcher.until(() => watcher.heartbeats.length > 0);
      if (isProjected) {
        await commit(thread, 3, [{ type: 'MemberIdsLeft', accountId: admin, memberIds: [member], occurredAt: 1 }]);
        await watcher.until(() => watcher.versions.at(-1) === 3);
        continue;
      }
      await commit(
        thread,
        4,
        [{ type: 'AdministratorIdsLeft', accountId: admin, administratorIds: [member], occurredAt: 1 }],
        false,
      );
      await post(thread, 5, false);
      assert.deepEqual(await errorOf(watcher), {
        code: status.PERMISSION_DENIED,
        reason: 'NOT_PARTICIPANT',
        from: '5',
      });
      assert.deepEqual(watcher.versions, [2, 3, 4]);
    }
  });

  it('ends after the thread’s end', async () => {
    const thread = await newThread();
    const watcher = watch(thread);
    await watcher.until(() => watcher.heartbeats.length > 0);
    await commit(thread, 2, [{ type: 'ThreadDestroyed', accountId: admin, occurredAt: 1 }]);
    assert.deepEqual(await errorOf(watcher), { code: status.NOT_FOUND, reason: 'THREAD_DESTROYED', from: '3' });
    assert.deepEqual(watcher.versions, [1, 2]);
    assert.equal((await errorOf(watch(thread))).reason, 'THREAD_NOT_FOUND');
  });

  it('goes on with heartbeats when nothing happens', async () => {
    const watcher = watch(await newThread());
    await watcher.until(() => watcher.heartbeats.length === 3);
    assert.deepEqual(watcher.heartbeats, [1, 1, 1]);
  });

  it('cuts off who does not keep up, and lets it resume without a gap or a repetition', async () => {
    const thread = await newThread();
    const [slow, quick] = [watch(thread), watch(thread)];
    await Promise.all([slow, quick].map((watcher) => watcher.until(() => watcher.heartbeats.length > 0)));
    slow.stream.pause();
    // More than what lies between the two of them takes: sockets, flow-control windows, buffers.
    const last = 3_000;
    const text = 'x'.repeat(250);
    const events = [
      messagesAdded(
        member,
        range(1, 60).map(() => ({ id: ulid(), text })),
      ),
    ];
    for (const version of range(2, last)) {
      await commit(thread, version, events, false);
      await quick.until(() => quick.versions.at(-1) === version);
      if (hub.followers === 1) break;
    }
    assert.equal(hub.followers, 1, 'nobody was cut off');
    slow.stream.resume();
    const { code, reason, from } = await errorOf(slow);
    assert.deepEqual(
      [code, reason, from],
      [status.RESOURCE_EXHAUSTED, 'SLOW_READER', `${(slow.versions.at(-1) ?? 0) + 1}`],
    );
    const resumed = watch(thread, { from_version: from });
    await resumed.until(() => resumed.heartbeats.length > 0);
    await quick.until(() => quick.versions.at(-1) === resumed.versions.at(-1));
    assert.deepEqual([...slow.versions, ...resumed.versions], quick.versions);
    assert.deepEqual(quick.versions, range(1, quick.versions.length));
  });

  it('lets only so many watch, and forgets those who have gone', async () => {
    const thread = await newThread();
    const many = range(1, 50).map(() => watch(thread));
    await Promise.all(many.map((watcher) => watcher.until(() => watcher.heartbeats.length > 0)));
    const { code, reason } = await errorOf(watch(thread));
    assert.deepEqual([code, reason], [status.RESOURCE_EXHAUSTED, 'TOO_MANY_WATCHERS']);
    await watches.allGone();
    const again = watch(thread);
    await again.until(() => again.heartbeats.length > 0);
  });

  it('lets one client, and one account, watch only so many times, and others theirs', async () => {
    const thread = await newThread();
    const queries = await openQueries({ hub, maxWatchesOfOne: 3 });
    const begin = (account: string, client: string): Watcher =>
      watch(thread, { account_id: account }, { metadata: { 'x-forwarded-for': client } }, queries.v1);
    const begun = async (watcher: Watcher): Promise<Watcher> => {
      await watcher.until(() => watcher.heartbeats.length > 0);
      return watcher;
    };
    const assertRefused = async (watcher: Watcher): Promise<void> => {
      const { code, reason } = await errorOf(watcher);
      assert.deepEqual([code, reason], [status.RESOURCE_EXHAUSTED, 'TOO_MANY_WATCHERS']);
    };
    try {
      const all = [];
      for (const _ of range(1, 3)) all.push(await begun(begin(member, '203.0.113.1')));
      await assertRefused(begin(admin, '203.0.113.1'));
      await assertRefused(begin(member, '203.0.113.2'));
      all.push(await begun(begin(admin, '203.0.113.2')));
      all[0]?.stream.cancel();
      await all[0]?.ended;
      // What is given back is there for others.
      while (hub.followers > 3) await new Promise((resolve) => setImmediate(resolve));
      await begun(begin(member, '203.0.113.1'));
    } finally {
      await watches.allGone();
      await queries.close();
    }
  });
});
