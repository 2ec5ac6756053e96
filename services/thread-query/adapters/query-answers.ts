import type { Message, Thread } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import type { ChatReader, ReactionView } from '../runtime/chat-reader.js';
import type { MessageView, ThreadView } from '../runtime/thread-reader.js';

export function threadMessage({ createdAt, updatedAt, version, ...thread }: ThreadView): Thread {
  return {
    ...thread,
    createTime: new Date(createdAt),
    updateTime: new Date(updatedAt),
    version: BigInt(version),
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

function messageMessage(
  { createdAt, updatedAt, toAccountIds, ...message }: MessageView,
  reactions: readonly ReactionView[],
): Message {
  return {
    ...message,
    toAccountIds: [...toAccountIds],
    createTime: new Date(createdAt),
    updateTime: new Date(updatedAt),
    reactions: [...reactions],
  };
}
