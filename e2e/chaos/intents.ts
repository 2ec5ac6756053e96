import type { Intent } from './history.js';
import type { SeededRandom } from './random.js';

/** What the clients know of a thread that they write to. */
export interface KnownThread {
  readonly id: string;
  readonly creatorId: string;
  /** Answered commands. */
  answered: number;
  isDestroyed: boolean;
  /** The last messages that were acknowledged. */
  readonly messages: { readonly id: string; readonly sender: string }[];
}

const MESSAGES_KNOWN = 100;

/** Remembers what an acknowledgement tells. */
export function learn(thread: KnownThread, intent: Intent, sender: string, ids: readonly string[] | undefined): void {
  if (intent.type === 'DestroyThread') thread.isDestroyed = true;
  if (intent.type !== 'AddMessages') return;
  thread.messages.push(...(ids ?? []).map((id) => ({ id, sender })));
  thread.messages.splice(0, thread.messages.length - MESSAGES_KNOWN);
}

const weights = {
  AddMessages: 60,
  RemoveMessages: 9,
  JoinMemberIds: 14,
  LeaveMemberIds: 5,
  JoinAdministratorIds: 7,
  LeaveAdministratorIds: 3,
  DestroyThread: 1,
};

/** A new thread, administrated by its creator and some others. */
export function creationBy(random: SeededRandom, creator: string, accounts: readonly string[]): Intent {
  return {
    type: 'CreateThread',
    title: `of ${creator}`,
    administratorIds: [...new Set([creator, ...random.some(accounts, 2)])],
    memberIds: random.some(accounts, Math.ceil(accounts.length / 2)),
  };
}

/**
 * Something to do with a thread; the domain may well refuse it.
 * @param text differs from that of every other request
 * @param mayReply whether messages may be replies
 */
export function anyIntent(
  random: SeededRandom,
  { messages }: KnownThread,
  {
    account,
    accounts,
    text,
    mayReply,
  }: { account: string; accounts: readonly string[]; text: string; mayReply: boolean },
): Intent {
  const type = random.weighted(weights);
  switch (type) {
    case 'AddMessages':
      return {
        type,
        messages: Array.from({ length: random.integer(1, 4) }, (_, index) => ({
          text: `${text} ${index}`,
          ...(mayReply && messages.length > 0 && random.chance(15) ? { replyMessageId: random.pick(messages).id } : {}),
        })),
      };
    case 'RemoveMessages': {
      // Mostly one's own; nobody may remove another's.
      const own = messages.filter(({ sender }) => sender === account);
      const found = random.some(own.length > 0 && random.chance(85) ? own : messages, random.integer(1, 3));
      if (found.length === 0) return { type: 'AddMessages', messages: [{ text }] };
      return { type, messageIds: found.map(({ id }) => id) };
    }
    case 'JoinMemberIds':
    case 'LeaveMemberIds':
      return { type, memberIds: random.some(accounts, random.integer(1, 3)) };
    case 'JoinAdministratorIds':
    case 'LeaveAdministratorIds':
      return { type, administratorIds: random.some(accounts, random.integer(1, 3)) };
    case 'DestroyThread':
      return { type };
  }
}
