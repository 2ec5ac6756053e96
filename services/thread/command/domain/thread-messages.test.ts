import assert from 'node:assert/strict';
import { specifyDecider } from '../../../../platform/testing/decider-spec.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { ThreadCommand } from './thread-command.js';
import { estimateThreadBytes, type ThreadState } from './thread-state.js';
import { MAX_REACTIONS_OF_MESSAGE, MAX_REACTIONS_OF_THREAD, threadDecider } from './thread.js';

const given = specifyDecider(threadDecider);
const at = { occurredAt: 1_000 };
const created: ThreadEvent = {
  type: 'ThreadCreated',
  threadId: 'THREAD',
  creatorId: 'ANN',
  title: 'title',
  administratorIds: ['ANN'],
  memberIds: ['BOB', 'CAT'],
  ...at,
};
const bobLeft: ThreadEvent = { type: 'MemberIdsLeft', accountId: 'ANN', memberIds: ['BOB'], ...at };
const bobJoined: ThreadEvent = { type: 'MemberIdsJoined', accountId: 'ANN', memberIds: ['BOB'], ...at };

function added(senderId: string, ...ids: string[]): ThreadEvent {
  return {
    type: 'MessagesAdded',
    senderId,
    messages: ids.map((id) => ({ id, toAccountIds: [], text: 'text' })),
    ...at,
  };
}

const removed = (removerId: string, ...messageIds: string[]): ThreadEvent => ({
  type: 'MessagesRemoved',
  removerId,
  messageIds,
  ...at,
});

describe('a thread', () => {
  it('gets another title and other remarks, or none', () => {
    const update = { type: 'UpdateThread', accountId: 'ANN', ...at } as const;
    for (const change of [
      { title: 'new', remarks: undefined, clearsRemarks: false },
      { title: undefined, remarks: '', clearsRemarks: false },
      { title: '', remarks: undefined, clearsRemarks: true },
    ]) {
      given(created)
        .when({ ...update, ...change })
        .thenEvents({ type: 'ThreadUpdated', accountId: 'ANN', ...change, ...at });
    }
  });

  describe('messages', () => {
    const edit = (accountId: string, messageId: string): ThreadCommand => ({
      type: 'EditMessage',
      accountId,
      messageId,
      text: 'new',
      ...at,
    });
    const edited: ThreadEvent = { type: 'MessageEdited', senderId: 'BOB', messageId: 'M1', text: 'new', ...at };

    it('are edited by their sender, again and again', () => {
      given(created, added('BOB', 'M1')).when(edit('BOB', 'M1')).thenEvents(edited);
      given(created, added('BOB', 'M1'), edited).when(edit('BOB', 'M1')).thenEvents(edited);
    });
    it('are edited by nobody else, administrators included', () =>
      given(created, added('BOB', 'M1')).when(edit('ANN', 'M1')).thenRejected({ code: 'NOT_SENDER' }));
    it('are edited no more by a sender who has left, until back', () => {
      given(created, added('BOB', 'M1'), bobLeft).when(edit('BOB', 'M1')).thenRejected({ code: 'NOT_PARTICIPANT' });
      given(created, added('BOB', 'M1'), bobLeft, bobJoined).when(edit('BOB', 'M1')).thenEvents(edited);
    });
    it('are edited only while they are there', () => {
      given(created).when(edit('BOB', 'M1')).thenRejected({ code: 'MESSAGE_NOT_FOUND' });
      given(created, added('BOB', 'M1'), removed('BOB', 'M1'))
        .when(edit('BOB', 'M1'))
        .thenRejected({ code: 'MESSAGE_NOT_FOUND' });
    });
    it('that are not there are no matter for strangers', () =>
      given(created).when(edit('EVE', 'M1')).thenRejected({ code: 'NOT_PARTICIPANT' }));
  });

  describe('reactions', () => {
    const command = (
      type: 'AddReaction' | 'RemoveReaction',
      accountId: string,
      reaction = '👍',
      messageId = 'M1',
    ): ThreadCommand => ({ type, accountId, messageId, reaction, ...at });
    const event = (
      type: 'ReactionAdded' | 'ReactionRemoved',
      accountId: string,
      reaction = '👍',
      messageId = 'M1',
    ): ThreadEvent => ({ type, accountId, messageId, reaction, ...at });
    const posted = [created, added('ANN', 'M1')];

    it('are added by every participant, each once', () => {
      given(...posted)
        .when(command('AddReaction', 'BOB'))
        .thenEvents(event('ReactionAdded', 'BOB'));
      given(...posted, event('ReactionAdded', 'BOB'))
        .when(command('AddReaction', 'ANN'))
        .thenEvents(event('ReactionAdded', 'ANN'));
      given(...posted, event('ReactionAdded', 'BOB'))
        .when(command('AddReaction', 'BOB'))
        .thenEvents();
      given(...posted, event('ReactionAdded', 'BOB'))
        .when(command('AddReaction', 'BOB', '❤️'))
        .thenEvents(event('ReactionAdded', 'BOB', '❤️'));
    });
    it('are removed by those who have added them; what is not there is removed without a change', () => {
      const reacted = [...posted, event('ReactionAdded', 'BOB')];
      given(...reacted)
        .when(command('RemoveReaction', 'BOB'))
        .thenEvents(event('ReactionRemoved', 'BOB'));
      given(...reacted)
        .when(command('RemoveReaction', 'ANN'))
        .thenEvents();
      given(...reacted, event('ReactionRemoved', 'BOB'))
        .when(command('RemoveReaction', 'BOB'))
        .thenEvents();
      given(...reacted, event('ReactionRemoved', 'BOB'))
        .when(command('AddReaction', 'BOB'))
        .thenEvents(event('ReactionAdded', 'BOB'));
    });
    it('are for participants and messages that are there', () => {
      for (const type of ['AddReaction', 'RemoveReaction'] as const) {
        given(...posted)
          .when(command(type, 'EVE'))
          .thenRejected({ code: 'NOT_PARTICIPANT' });
        given(...posted, bobLeft)
          .when(command(type, 'BOB'))
          .thenRejected({ code: 'NOT_PARTICIPANT' });
        given(...posted, event('ReactionAdded', 'BOB'), removed('ANN', 'M1'))
          .when(command(type, 'BOB'))
          .thenRejected({ code: 'MESSAGE_NOT_FOUND' });
      }
    });
    it('of a message are at most 20 different ones', () => {
      const different = Array.from({ length: MAX_REACTIONS_OF_MESSAGE }, (_, index) =>
        event('ReactionAdded', 'ANN', String.fromCodePoint(0x1f600 + index)),
      );
      const full = [...posted, ...different];
      given(...full)
        .when(command('AddReaction', 'BOB'))
        .thenRejected({ code: 'TOO_MANY_REACTIONS' });
      given(...full)
        .when(command('AddReaction', 'BOB', '😀'))
        .thenEvents(event('ReactionAdded', 'BOB', '😀'));
      given(...full, event('ReactionRemoved', 'ANN', '😀'))
        .when(command('AddReaction', 'BOB'))
        .thenEvents(event('ReactionAdded', 'BOB'));
    });
    it('of a thread are at most 20,000, removed messages not counted', () => {
      const accounts = Array.from({ length: 1_000 }, (_, index) => `A${index}`);
      const ids = Array.from({ length: MAX_REACTIONS_OF_THREAD / 1_000 }, (_, index) => `M${index + 1}`);
      const full = [
        created,
        added('ANN', ...ids, 'LAST'),
        ...ids.flatMap((id) => accounts.map((accountId) => event('ReactionAdded', accountId, '👍', id))),
      ];
      given(...full)
        .when(command('AddReaction', 'BOB', '👍', 'LAST'))
        .thenRejected({ code: 'TOO_MANY_REACTIONS' });
      given(...full, removed('ANN', 'M1'))
        .when(command('AddReaction', 'BOB', '👍', 'LAST'))
        .thenEvents(event('ReactionAdded', 'BOB', '👍', 'LAST'));
      const state = full.reduce<ThreadState>((before, each) => threadDecider.evolve(before, each), {
        status: 'absent',
      });
      assert.ok(estimateThreadBytes(state) > 20_000 * 200);
    });
  });

  describe('read marks', () => {
    const mark = (accountId: string, messageId: string): ThreadCommand => ({
      type: 'MarkRead',
      accountId,
      messageId,
      ...at,
    });
    const read = (accountId: string, messageId: string): ThreadEvent => ({
      type: 'MessagesRead',
      accountId,
      messageId,
      ...at,
    });
    const posted = [created, added('ANN', 'M1', 'M2'), added('BOB', 'M3')];

    it('move forward only, each account by itself', () => {
      given(...posted)
        .when(mark('BOB', 'M2'))
        .thenEvents(read('BOB', 'M2'));
      for (const id of ['M1', 'M2']) {
        given(...posted, read('BOB', 'M2'))
          .when(mark('BOB', id))
          .thenEvents();
      }
      given(...posted, read('BOB', 'M2'))
        .when(mark('BOB', 'M3'))
        .thenEvents(read('BOB', 'M3'));
      given(...posted, read('BOB', 'M2'))
        .when(mark('CAT', 'M1'))
        .thenEvents(read('CAT', 'M1'));
    });
    it('know the order though the marked message was removed, and ids say nothing of it', () => {
      given(...posted, read('BOB', 'M2'), removed('ANN', 'M2'))
        .when(mark('BOB', 'M1'))
        .thenEvents();
      given(...posted, read('BOB', 'M3'), added('ANN', 'A0'))
        .when(mark('BOB', 'A0'))
        .thenEvents(read('BOB', 'A0'));
      given(...posted, removed('BOB', 'M3'), added('ANN', 'M4'), read('BOB', 'M4'))
        .when(mark('BOB', 'M2'))
        .thenEvents();
    });
    it('outlast leaving and joining again', () =>
      given(...posted, read('BOB', 'M2'), bobLeft, bobJoined)
        .when(mark('BOB', 'M1'))
        .thenEvents());
    it('are for participants and messages that are there', () => {
      given(...posted)
        .when(mark('EVE', 'M1'))
        .thenRejected({ code: 'NOT_PARTICIPANT' });
      given(...posted, bobLeft)
        .when(mark('BOB', 'M1'))
        .thenRejected({ code: 'NOT_PARTICIPANT' });
      given(...posted)
        .when(mark('BOB', 'M9'))
        .thenRejected({ code: 'MESSAGE_NOT_FOUND' });
    });
  });
});
