import type { AddedMessage, MessagesAdded, MessagesRead, ReactionAdded } from '../../events/thread-event.js';
import type { MessageEdit, MessageRow, ReactionChange, ReadMark, ThreadRowChanges } from './thread-rows.js';

/** What successive commits of one thread change of its messages, and of what belongs to them. */
export class MessageChanges {
  readonly #added = new Map<string, MessageRow>();
  readonly #edited = new Map<string, MessageEdit>();
  readonly #removed = new Set<string>();
  /** By message, then by reaction and account. */
  readonly #reactions = new Map<string, Map<string, ReactionChange>>();
  readonly #readMarks = new Map<string, ReadMark>();

  post(
    { id, replyMessageId, toAccountIds, text }: AddedMessage,
    { senderId, occurredAt }: MessagesAdded,
    position: number,
  ): void {
    this.#added.set(id, {
      position,
      id,
      senderId,
      text,
      replyMessageId: replyMessageId ?? null,
      toAccountIds,
      createdAt: occurredAt,
      updatedAt: occurredAt,
    });
  }

  edit(edit: MessageEdit): void {
    const added = this.#added.get(edit.id);
    if (added === undefined) this.#edited.set(edit.id, edit);
    else this.#added.set(edit.id, { ...added, text: edit.text, updatedAt: edit.updatedAt });
  }

  remove(id: string): void {
    this.#edited.delete(id);
    this.#reactions.delete(id);
    if (!this.#added.delete(id)) this.#removed.add(id);
  }

  /** `position` is null when the reaction is removed. */
  react(
    { messageId, reaction, accountId }: Pick<ReactionAdded, 'messageId' | 'reaction' | 'accountId'>,
    position: number | null,
  ): void {
    const ofMessage = this.#reactions.get(messageId) ?? new Map<string, ReactionChange>();
    this.#reactions.set(messageId, ofMessage);
    ofMessage.set(`${reaction}/${accountId}`, { messageId, reaction, accountId, position });
  }

  /** A later mark is further on: the domain sees to that. */
  markRead({ accountId, messageId }: MessagesRead): void {
    const position = this.#added.get(messageId)?.position;
    this.#readMarks.set(
      accountId,
      position === undefined ? { accountId, messageId, position } : { accountId, position },
    );
  }

  finish(): Pick<
    ThreadRowChanges,
    'addedMessages' | 'editedMessages' | 'removedMessageIds' | 'reactions' | 'readMarks'
  > {
    return {
      addedMessages: [...this.#added.values()],
      editedMessages: [...this.#edited.values()],
      removedMessageIds: [...this.#removed],
      reactions: [...this.#reactions.values()].flatMap((ofMessage) => [...ofMessage.values()]),
      readMarks: [...this.#readMarks.values()],
    };
  }
}
