import assert from 'node:assert/strict';
import fc from 'fast-check';
import { specifyDecider } from '../../../../platform/testing/decider-spec.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { CreateThread, ThreadCommand } from './thread-command.js';
import type { LiveThread } from './thread-state.js';
import { MAX_LIVE_MESSAGES, threadDecider } from './thread.js';

const given = specifyDecider(threadDecider);
const at = { occurredAt: 1_000 };
const created: ThreadEvent = {
  type: 'ThreadCreated',
  threadId: 'THREAD',
  creatorId: 'ANN',
  parentThreadId: undefined,
  title: 'title',
  remarks: undefined,
  administratorIds: ['ANN'],
  memberIds: ['BOB'],
  ...at,
};
const destroyed: ThreadEvent = { type: 'ThreadDestroyed', accountId: 'ANN', ...at };
const create: CreateThread = {
  type: 'CreateThread',
  accountId: 'ANN',
  threadId: 'THREAD',
  title: 'title',
  administratorIds: ['ANN'],
  memberIds: ['BOB'],
  ...at,
};

function added(senderId: string, ...ids: string[]): ThreadEvent {
  return { type: 'MessagesAdded', senderId, messages: ids.map((id) => message(id)), ...at };
}

function message(id: string, replyMessageId?: string) {
  return { id, replyMessageId, toAccountIds: [], text: `text of ${id}` };
}

/** Every command but the creation, by an account that may give it. */
const commands: readonly Exclude<ThreadCommand, CreateThread>[] = [
  { type: 'DestroyThread', accountId: 'ANN', ...at },
  { type: 'JoinAdministratorIds', accountId: 'ANN', administratorIds: ['EVE'], ...at },
  { type: 'LeaveAdministratorIds', accountId: 'ANN', administratorIds: ['EVE'], ...at },
  { type: 'JoinMemberIds', accountId: 'ANN', memberIds: ['EVE'], ...at },
  { type: 'LeaveMemberIds', accountId: 'ANN', memberIds: ['EVE'], ...at },
  { type: 'AddMessages', accountId: 'ANN', messages: [message('M1')], ...at },
  { type: 'RemoveMessages', accountId: 'ANN', messageIds: ['M1'], ...at },
  { type: 'UpdateThread', accountId: 'ANN', title: 'new', clearsRemarks: false, ...at },
  { type: 'EditMessage', accountId: 'ANN', messageId: 'M1', text: 'new', ...at },
  { type: 'AddReaction', accountId: 'ANN', messageId: 'M1', reaction: '👍', ...at },
  { type: 'RemoveReaction', accountId: 'ANN', messageId: 'M1', reaction: '👍', ...at },
  { type: 'MarkRead', accountId: 'ANN', messageId: 'M1', ...at },
];

describe('a thread', () => {
  describe('creation', () => {
    it('creates', () => given().when(create).thenEvents(created));

    it('keeps parent and remarks', () =>
      given()
        .when({ ...create, parent: { threadId: 'PARENT', exists: true }, remarks: '' })
        .thenEvents({ ...created, parentThreadId: 'PARENT', remarks: '' }));

    it('rejects a parent that is not there', () =>
      given()
        .when({ ...create, parent: { threadId: 'PARENT', exists: false } })
        .thenRejected({ code: 'PARENT_NOT_FOUND' }));

    it('rejects a thread without an administrator', () =>
      given()
        .when({ ...create, administratorIds: [] })
        .thenRejected({ code: 'NO_ADMINISTRATOR' }));

    it('does not create twice, not even after destruction', () => {
      given(created).when(create).thenRejected({ code: 'ALREADY_CREATED' });
      given(created, destroyed).when(create).thenRejected({ code: 'ALREADY_CREATED' });
    });
  });

  for (const command of commands) {
    it(`rejects ${command.type} before creation`, () => given().when(command).thenRejected({ code: 'NOT_CREATED' }));

    it(`rejects ${command.type} after destruction`, () =>
      given(created, added('ANN', 'M1'), destroyed).when(command).thenRejected({ code: 'DESTROYED' }));
  }

  for (const command of [...commands.slice(0, 5), ...commands.slice(7, 8)]) {
    it(`lets only an administrator ${command.type}`, () => {
      for (const accountId of ['BOB', 'EVE']) {
        given(created)
          .when({ ...command, accountId })
          .thenRejected({ code: 'NOT_ADMINISTRATOR' });
      }
    });
  }

  it('is destroyed by an administrator', () =>
    given(created)
      .when({ type: 'DestroyThread', accountId: 'ANN', ...at })
      .thenEvents(destroyed));

  describe('administrators', () => {
    const join = (...administratorIds: string[]): ThreadCommand => ({
      type: 'JoinAdministratorIds',
      accountId: 'ANN',
      administratorIds,
      ...at,
    });
    const leave = (accountId: string, ...administratorIds: string[]): ThreadCommand => ({
      type: 'LeaveAdministratorIds',
      accountId,
      administratorIds,
      ...at,
    });
    const joined = (...administratorIds: string[]): ThreadEvent => ({
      type: 'AdministratorIdsJoined',
      accountId: 'ANN',
      administratorIds,
      ...at,
    });

    it('join, but for those that are in', () =>
      given(created)
        .when(join('ANN', 'CAT', 'DAN'))
        .thenEvents(joined('CAT', 'DAN')));
    it('join without a change when all are in', () => given(created).when(join('ANN')).thenEvents());
    it('administer once they have joined', () =>
      given(created, joined('CAT'))
        .when({ type: 'DestroyThread', accountId: 'CAT', ...at })
        .thenEvents({ type: 'ThreadDestroyed', accountId: 'CAT', ...at }));
    it('leave, but for those that are not in', () =>
      given(created, joined('CAT'))
        .when(leave('CAT', 'ANN', 'EVE'))
        .thenEvents({ type: 'AdministratorIdsLeft', accountId: 'CAT', administratorIds: ['ANN'], ...at }));
    it('leave without a change when none is in', () => given(created).when(leave('ANN', 'EVE')).thenEvents());
    it('never leave all at once', () => {
      given(created).when(leave('ANN', 'ANN')).thenRejected({ code: 'LAST_ADMINISTRATOR' });
      given(created, joined('CAT'))
        .when(leave('ANN', 'CAT', 'ANN'))
        .thenRejected({ code: 'LAST_ADMINISTRATOR' });
    });
    it('administer no more once they have left', () =>
      given(created, joined('CAT'), {
        type: 'AdministratorIdsLeft',
        accountId: 'CAT',
        administratorIds: ['ANN'],
        ...at,
      })
        .when(join('DAN'))
        .thenRejected({ code: 'NOT_ADMINISTRATOR' }));
  });

  describe('members', () => {
    const by = { accountId: 'ANN', ...at };

    it('join, but for those that are in', () =>
      given(created)
        .when({ type: 'JoinMemberIds', memberIds: ['BOB', 'CAT'], ...by })
        .thenEvents({ type: 'MemberIdsJoined', memberIds: ['CAT'], ...by }));
    it('join without a change when all are in', () =>
      given(created)
        .when({ type: 'JoinMemberIds', memberIds: ['BOB'], ...by })
        .thenEvents());
    it('may all leave', () =>
      given(created)
        .when({ type: 'LeaveMemberIds', memberIds: ['BOB', 'EVE'], ...by })
        .thenEvents({ type: 'MemberIdsLeft', memberIds: ['BOB'], ...by }));
    it('leave without a change when none is in', () =>
      given(created)
        .when({ type: 'LeaveMemberIds', memberIds: ['EVE'], ...by })
        .thenEvents());
    it('post no more once they have left', () =>
      given(created, { type: 'MemberIdsLeft', memberIds: ['BOB'], ...by })
        .when({ type: 'AddMessages', accountId: 'BOB', messages: [message('M1')], ...at })
        .thenRejected({ code: 'NOT_PARTICIPANT' }));
  });

  describe('messages', () => {
    const add = (accountId: string, ...messages: ReturnType<typeof message>[]): ThreadCommand => ({
      type: 'AddMessages',
      accountId,
      messages,
      ...at,
    });
    const remove = (accountId: string, ...messageIds: string[]): ThreadCommand => ({
      type: 'RemoveMessages',
      accountId,
      messageIds,
      ...at,
    });

    it('are posted by members and administrators', () => {
      given(created)
        .when(add('BOB', message('M1'), message('M2')))
        .thenEvents(added('BOB', 'M1', 'M2'));
      given(created)
        .when(add('ANN', message('M1')))
        .thenEvents(added('ANN', 'M1'));
    });
    it('are not posted by others', () =>
      given(created)
        .when(add('EVE', message('M1')))
        .thenRejected({ code: 'NOT_PARTICIPANT' }));
    it('reply to messages of the same thread only', () => {
      const reply = message('M2', 'M1');
      const event: ThreadEvent = { type: 'MessagesAdded', senderId: 'BOB', messages: [reply], ...at };
      given(created, added('ANN', 'M1')).when(add('BOB', reply)).thenEvents(event);
      given(created)
        .when(add('BOB', message('M3'), reply, message('M4', 'M9')))
        .thenRejected({ code: 'REPLY_TARGET_NOT_FOUND', messageIndexes: [1, 2] });
    });
    it('do not reply to a removed message', () =>
      given(created, added('ANN', 'M1'), { type: 'MessagesRemoved', removerId: 'ANN', messageIds: ['M1'], ...at })
        .when(add('BOB', message('M2', 'M1')))
        .thenRejected({ code: 'REPLY_TARGET_NOT_FOUND', messageIndexes: [0] }));
    it('are at most 5,000 live ones, all or none', () => {
      const many = Array.from({ length: MAX_LIVE_MESSAGES - 1 }, (_, index) => `M${index}`);
      const full = [created, added('ANN', ...many)];
      given(...full)
        .when(add('BOB', message('N1')))
        .thenEvents(added('BOB', 'N1'));
      given(...full)
        .when(add('BOB', message('N1'), message('N2')))
        .thenRejected({ code: 'TOO_MANY_MESSAGES' });
      given(...full, { type: 'MessagesRemoved', removerId: 'ANN', messageIds: ['M0'], ...at })
        .when(add('BOB', message('N1'), message('N2')))
        .thenEvents(added('BOB', 'N1', 'N2'));
    });
    it('are removed by their sender, unknown ones passed over', () =>
      given(created, added('BOB', 'M1', 'M2'))
        .when(remove('BOB', 'M2', 'M9'))
        .thenEvents({ type: 'MessagesRemoved', removerId: 'BOB', messageIds: ['M2'], ...at }));
    it('are removed by nobody else, administrators included, all or none', () =>
      given(created, added('BOB', 'M1'), added('ANN', 'M2'))
        .when(remove('ANN', 'M2', 'M1'))
        .thenRejected({ code: 'NOT_SENDER' }));
    it('that are not there are removed without a change', () => {
      given(created).when(remove('BOB', 'M9')).thenEvents();
      given(created, added('BOB', 'M1'), { type: 'MessagesRemoved', removerId: 'BOB', messageIds: ['M1'], ...at })
        .when(remove('BOB', 'M1'))
        .thenEvents();
    });
    it('are removed by a sender who has left, but strangers remove nothing', () => {
      const left: ThreadEvent = { type: 'MemberIdsLeft', accountId: 'ANN', memberIds: ['BOB'], ...at };
      given(created, added('BOB', 'M1'), left)
        .when(remove('BOB', 'M1'))
        .thenEvents({ type: 'MessagesRemoved', removerId: 'BOB', messageIds: ['M1'], ...at });
      given(created).when(remove('EVE', 'M9')).thenRejected({ code: 'NOT_PARTICIPANT' });
    });
  });

  it('keeps its rules whatever is asked of it', () => {
    const account = fc.constantFrom('ANN', 'BOB', 'CAT', 'DAN');
    const accounts = fc.uniqueArray(account, { maxLength: 4 });
    const messageId = fc.integer({ min: 0, max: 20 }).map(String);
    const messageIds = fc.uniqueArray(messageId, { maxLength: 5 });
    const command = fc.oneof(
      fc.record({ type: fc.constant('JoinAdministratorIds' as const), accountId: account, administratorIds: accounts }),
      fc.record({
        type: fc.constant('LeaveAdministratorIds' as const),
        accountId: account,
        administratorIds: accounts,
      }),
      fc.record({ type: fc.constant('JoinMemberIds' as const), accountId: account, memberIds: accounts }),
      fc.record({ type: fc.constant('LeaveMemberIds' as const), accountId: account, memberIds: accounts }),
      fc.record({
        type: fc.constant('AddMessages' as const),
        accountId: account,
        messages: messageIds.map((ids) => ids.map((id) => message(id))),
      }),
      fc.record({ type: fc.constant('RemoveMessages' as const), accountId: account, messageIds }),
      fc.record({ type: fc.constant('MarkRead' as const), accountId: account, messageId }),
      fc.record({
        type: fc.constantFrom('AddReaction' as const, 'RemoveReaction' as const),
        accountId: account,
        messageId,
        reaction: fc.constantFrom('👍', '❤️'),
      }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (asked) => {
        let state = threadDecider.evolve(threadDecider.initialState, created);
        const senders = new Map<string, string>();
        const used = new Set<string>();
        for (const next of asked) {
          if (next.type === 'AddMessages') {
            // Each message has an id of its own.
            if (next.messages.some(({ id }) => used.has(id))) continue;
            for (const { id } of next.messages) used.add(id);
          }
          const before = state;
          const decision = threadDecider.decide({ ...next, ...at }, state);
          if (decision.kind === 'rejected') continue;
          for (const event of decision.events) {
            state = threadDecider.evolve(state, event);
            if (event.type === 'MessagesAdded') for (const { id } of event.messages) senders.set(id, event.senderId);
            if (event.type === 'MessagesRemoved') {
              for (const id of event.messageIds) assert.equal(senders.get(id), event.removerId);
              for (const id of event.messageIds) senders.delete(id);
            }
          }
          assert.ok(state.status === 'live' && before.status === 'live');
          assert.ok(state.administratorIds.size > 0);
          assert.deepEqual(new Map(state.messages.map(({ senderId }) => senderId)), senders);
          const ordinals = [...state.messages.values()].map(({ ordinal }) => ordinal);
          assert.equal(new Set(ordinals).size, ordinals.length);
          assert.ok(ordinals.every((ordinal) => ordinal < (state as LiveThread).nextOrdinal));
          const reactions = [...state.messages.values()].flatMap((each) => [...each.reactions.values()]);
          assert.equal(state.reactionCount, reactions.flatMap((ids) => [...ids]).length);
          assert.ok(reactions.every((ids) => ids.size > 0));
          for (const [accountId, ordinal] of before.readOrdinals) {
            assert.ok((state.readOrdinals.get(accountId) ?? -1) >= ordinal);
          }
        }
      }),
    );
  });
});
