import { Fault } from '../../../../platform/kernel/fault.js';
import type { FieldViolation } from '../../../../platform/kernel/field-violation.js';
import { unreachable } from '../../../../platform/kernel/decider.js';
import type { ThreadCommand } from '../domain/thread-command.js';
import type { ThreadRejection } from '../domain/thread-rejection.js';
import { MAX_LIVE_MESSAGES, MAX_REACTIONS_OF_MESSAGE, MAX_REACTIONS_OF_THREAD } from '../domain/thread.js';

/** A rejection as the new API tells it. */
export function rejectionFault(rejection: ThreadRejection): Fault {
  const violations = violationsOf(rejection);
  switch (rejection.code) {
    case 'NOT_CREATED':
      return new Fault('not-found', 'THREAD_NOT_FOUND', 'thread is not found');
    case 'ALREADY_CREATED':
      return new Fault('already-exists', 'THREAD_ALREADY_CREATED', 'the thread is there already');
    case 'DESTROYED':
      return new Fault('failed-precondition', 'THREAD_DESTROYED', 'the thread is destroyed');
    case 'PARENT_NOT_FOUND':
      return new Fault('failed-precondition', 'PARENT_THREAD_NOT_FOUND', 'the parent thread is not found', {
        violations,
      });
    case 'NO_ADMINISTRATOR':
    case 'LAST_ADMINISTRATOR':
      return new Fault('failed-precondition', 'LAST_ADMINISTRATOR', 'a thread must have an administrator');
    case 'NOT_ADMINISTRATOR':
      return new Fault('permission-denied', 'NOT_ADMINISTRATOR', 'the account is no administrator of the thread');
    case 'NOT_PARTICIPANT':
      return new Fault(
        'permission-denied',
        'NOT_PARTICIPANT',
        'the account is no member or administrator of the thread',
      );
    case 'NOT_SENDER':
      return new Fault('permission-denied', 'NOT_SENDER', 'only its sender edits or removes a message');
    case 'MESSAGE_NOT_FOUND':
      return new Fault('not-found', 'MESSAGE_NOT_FOUND', 'message is not found', { violations });
    case 'TOO_MANY_REACTIONS':
      return new Fault(
        'failed-precondition',
        'TOO_MANY_REACTIONS',
        `a message has at most ${MAX_REACTIONS_OF_MESSAGE} different reactions, and a thread ${MAX_REACTIONS_OF_THREAD} in all`,
      );
    case 'TOO_MANY_MESSAGES':
      return new Fault(
        'failed-precondition',
        'TOO_MANY_MESSAGES',
        `a thread holds at most ${MAX_LIVE_MESSAGES} messages`,
      );
    case 'REPLY_TARGET_NOT_FOUND':
      return new Fault('failed-precondition', 'REPLY_TARGET_NOT_FOUND', 'a message replied to is not in the thread', {
        violations,
      });
    default:
      return unreachable(rejection);
  }
}

/** The fields that a rejection is about, by the new API's names. */
export function violationsOf(rejection: ThreadRejection): FieldViolation[] {
  switch (rejection.code) {
    case 'PARENT_NOT_FOUND':
      return [{ path: 'parentThreadId', fault: { kind: 'not-found', what: 'thread' } }];
    case 'MESSAGE_NOT_FOUND':
      return [{ path: 'messageId', fault: { kind: 'not-found', what: 'message' } }];
    case 'REPLY_TARGET_NOT_FOUND':
      return rejection.messageIndexes.slice(0, 30).map((index) => ({
        path: `messages[${index}].replyMessageId`,
        fault: { kind: 'not-found', what: 'message' },
      }));
    default:
      return [];
  }
}

/** A rejection in the older system's words; those about fields are worded as wrong fields are. */
export function legacyRejectionText(
  rejection: ThreadRejection,
  commandType: ThreadCommand['type'],
): string | undefined {
  switch (rejection.code) {
    case 'NOT_CREATED':
      return 'Not created yet';
    case 'ALREADY_CREATED':
      return 'already created the thread';
    case 'DESTROYED':
      return 'already removed the thread';
    case 'NO_ADMINISTRATOR':
    case 'LAST_ADMINISTRATOR':
      return 'Administrators can not be empty.';
    case 'NOT_ADMINISTRATOR':
      return notAdministratorText(commandType);
    case 'NOT_PARTICIPANT':
      return 'The senderId is not the member';
    case 'NOT_SENDER':
      return 'The removerId is not the senderId';
    case 'TOO_MANY_MESSAGES':
      return 'The limit of messages size is over';
    case 'TOO_MANY_REACTIONS':
      return 'The limit of reactions size is over';
    case 'PARENT_NOT_FOUND':
    case 'MESSAGE_NOT_FOUND':
    case 'REPLY_TARGET_NOT_FOUND':
      return undefined;
    default:
      return unreachable(rejection);
  }
}

/** The older system says the same in three ways. */
function notAdministratorText(commandType: ThreadCommand['type']): string {
  switch (commandType) {
    case 'JoinMemberIds':
    case 'LeaveMemberIds':
      return 'the senderId is not the administrator';
    case 'DestroyThread':
      return 'The senderId is not the administrator';
    default:
      return 'senderId is not administrator';
  }
}
