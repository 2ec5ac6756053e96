import type { Message, Thread } from '../../../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { ChatReader, ReactionView } from '../runtime/chat-reader.js';
import type { MessageView, ThreadView } from '../runtime/thread-reader.js';

export function threadMessage(thread: ThreadView): Thread {
  return {
    id: thread.id,
    creatorId: thread.creatorId,
    parentThreadId: thread.parentThreadId,
    title: thread.title,
    remarks: thread.remarks,
    createTime: new Date(thread.createdAt),
    updateTime: new Date(thread.updatedAt),
    version: BigInt(thread.version),
  };
}

/** Messages that the account sees, with the reactions to them. */
export async function messageMessages(
  chat: ChatReader,
  accountId: string,
  messages: readonly MessageView[],
): Promise<Message[]> {
  const reactions = await chat.listReactions(accountId, messages);
  return messages.map((message) => messageMessage(message, reactions.get(message.id) ?? []));
}

function messageMessage(message: MessageView, reactions: readonly ReactionView[]): Message {
  return {
    id: message.id,
    threadId: message.threadId,
    senderId: message.senderId,
    replyMessageId: message.replyMessageId,
    toAccountIds: [...message.toAccountIds],
    text: message.text,
    createTime: new Date(message.createdAt),
    updateTime: new Date(message.updatedAt),
    reactions: [...reactions],
  };
}
