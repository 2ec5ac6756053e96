import type { Commit } from '../../../../platform/journal/journal.js';
import type { ExplainedRows, RowEffect } from '../../../../platform/mysql/explained-rows.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import { projectThread } from '../domain/project-thread.js';
import type { ThreadRowChanges } from '../domain/thread-rows.js';
import { decodeThreadCommit } from './mysql-thread-rows.js';

/** Where the rows of threads come from, by the same projection that writes them, a commit at a time. */
export const explainedThreadRows: ExplainedRows = {
  tables: {
    threads: { key: ['id'], effectOf: (commit) => threadEffect(changesOf(commit)) },
    thread_participants: {
      key: ['thread_id', 'account_id'],
      effectOf: rowEffect(({ participants }, [, accountId]) => {
        const change = participants.find((one) => one.accountId === accountId);
        if (change === undefined) return [];
        return [
          ...(change.administratorPosition === undefined ? [] : ['administrator_position']),
          ...(change.memberPosition === undefined ? [] : ['member_position']),
        ];
      }),
    },
    messages: {
      key: ['thread_id', 'id'],
      effectOf: rowEffect(({ addedMessages, editedMessages, removedMessageIds }, [, id = '']) => {
        if (removedMessageIds.includes(id)) return 'removes';
        if (addedMessages.some((message) => message.id === id)) {
          return ['position', 'sender_id', 'text', 'reply_message_id', 'to_account_ids', 'created_at', 'updated_at'];
        }
        return editedMessages.some((edit) => edit.id === id) ? ['text', 'updated_at'] : [];
      }),
    },
    message_reactions: {
      key: ['thread_id', 'message_id', 'reaction', 'account_id'],
      effectOf: rowEffect(({ reactions, removedMessageIds }, [, messageId = '', reaction, accountId]) => {
        if (removedMessageIds.includes(messageId)) return 'removes';
        const change = reactions.find(
          (one) => one.messageId === messageId && one.reaction === reaction && one.accountId === accountId,
        );
        if (change === undefined) return [];
        return change.position === null ? 'removes' : ['position'];
      }),
    },
    read_marks: {
      key: ['thread_id', 'account_id'],
      effectOf: rowEffect(({ readMarks }, [, accountId]) =>
        readMarks.some((mark) => mark.accountId === accountId) ? ['position'] : [],
      ),
    },
  },

  callerOf(commit) {
    const [event] = decodeThreadCommit(commit).events;
    return event === undefined ? undefined : actorOf(event);
  },
};

function changesOf(commit: Commit): ThreadRowChanges {
  return projectThread([decodeThreadCommit(commit)]);
}

function threadEffect({ created, texts, updatedAt, lastActivityAt, removedAt }: ThreadRowChanges): RowEffect {
  if (created !== undefined) {
    return [
      ...['creator_id', 'parent_thread_id', 'title', 'remarks'],
      ...['created_at', 'committed_at', 'updated_at', 'last_activity_at', 'removed_at', 'version'],
    ];
  }
  return [
    ...(texts?.title === undefined ? [] : ['title']),
    ...(texts?.remarks === undefined ? [] : ['remarks']),
    ...(updatedAt === undefined ? [] : ['updated_at']),
    ...(lastActivityAt === undefined ? [] : ['last_activity_at']),
    ...(removedAt === undefined ? [] : ['removed_at']),
    'version',
  ];
}

/** Of a row beside the thread's own, which goes with the thread. */
function rowEffect(effect: (changes: ThreadRowChanges, key: readonly string[]) => RowEffect) {
  return (commit: Commit, key: readonly string[]): RowEffect => {
    const changes = changesOf(commit);
    return changes.removedAt === undefined ? effect(changes, key) : 'removes';
  };
}

function actorOf(event: ThreadEvent): string {
  if ('accountId' in event) return event.accountId;
  if ('creatorId' in event) return event.creatorId;
  return 'senderId' in event ? event.senderId : event.removerId;
}
