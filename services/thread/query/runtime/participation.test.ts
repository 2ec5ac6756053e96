import assert from 'node:assert/strict';
import type { ThreadEvent } from '../../events/thread-event.js';
import { Participation } from './participation.js';

const created: ThreadEvent = {
  type: 'ThreadCreated',
  threadId: 't',
  creatorId: 'a',
  title: '',
  administratorIds: ['a'],
  memberIds: ['m'],
  occurredAt: 0,
};
const by = { accountId: 'a', occurredAt: 0 };

/** Whether the account sees the thread after each commit of one event. */
function seen(accountId: string, ...events: ThreadEvent[]): boolean[] {
  const participation = new Participation(accountId);
  return events.map((event, index) => {
    participation.follow(index + 1, [event]);
    return participation.seesThread;
  });
}

describe('Participation', () => {
  it('is that of an administrator or a member, from joining to leaving both', () => {
    const administratorJoined: ThreadEvent = { type: 'AdministratorIdsJoined', administratorIds: ['m', 'x'], ...by };
    const administratorLeft: ThreadEvent = { type: 'AdministratorIdsLeft', administratorIds: ['m', 'x'], ...by };
    const memberLeft: ThreadEvent = { type: 'MemberIdsLeft', memberIds: ['m'], ...by };
    const memberJoined: ThreadEvent = { type: 'MemberIdsJoined', memberIds: ['x'], ...by };
    const events = [created, administratorJoined, memberLeft, administratorLeft, memberJoined];
    assert.deepEqual(seen('a', ...events), [true, true, true, true, true]);
    assert.deepEqual(seen('m', ...events), [true, true, true, false, false]);
    assert.deepEqual(seen('x', ...events), [false, true, true, false, true]);
    assert.deepEqual(seen('stranger', ...events), [false, false, false, false, false]);
  });

  it('is nobody’s once the thread is destroyed', () => {
    assert.deepEqual(seen('a', created, { type: 'ThreadDestroyed', ...by }), [true, false]);
  });

  it('takes a version in once, and none that it has begun with', () => {
    const view = { version: 5, isAdministrator: false, isMember: true, isDestroyed: false };
    const participation = new Participation('m', view);
    participation.follow(4, [{ type: 'MemberIdsLeft', memberIds: ['m'], ...by }]);
    participation.follow(5, [{ type: 'MemberIdsLeft', memberIds: ['m'], ...by }]);
    assert.deepEqual([participation.seesThread, participation.version], [true, 5]);
    participation.follow(6, []);
    assert.equal(participation.version, 6);
  });
});
