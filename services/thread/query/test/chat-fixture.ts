import { ulid } from 'ulid';
import { failureOf } from '../../../../platform/testing/failure.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import { commitAt, commitOf, messagesAdded, threadCreated } from '../../projector/test/projection-fixture.js';
import { openQueries, type QueriesOptions } from './query-fixture.js';

export type Answer = Record<string, unknown>;
export const [admin, member, stranger] = [ulid(), ulid(), ulid()];
const people = { creatorId: admin, administratorIds: [admin], memberIds: [member] };

/** The query services on a read model of their own, and short ways to fill and ask it. */
export async function openChat(options: QueriesOptions = {}) {
  const queries = await openQueries(options);
  const call = (method: string, request: Answer) => queries.v1.call(method, request);
  return {
    queries,
    call,
    async refused(method: string, request: Answer) {
      const { code, reason, fields } = await failureOf(call(method, request));
      return { code, reason, fields: Object.keys(fields) };
    },
    /** A thread of messages by their senders, one in each commit from version 2 on. `time` is that of its creation. */
    async threadWith(
      messages: { id: string; by: string; text?: string }[],
      { time = 1_001, ...overrides }: { time?: number } & Parameters<typeof threadCreated>[1] = {},
    ): Promise<string> {
      const id = ulid();
      await queries.model.save(
        commitAt(time, id, 1, threadCreated(id, { ...people, ...overrides })),
        ...messages.map(({ by, ...message }, index) => commitOf(id, index + 2, messagesAdded(by, [message], 2_000))),
      );
      return id;
    },
    close: () => queries.close(),
  };
}

export type Chat = Awaited<ReturnType<typeof openChat>>;

export function idsOf(entries: unknown): string[] {
  return (entries as { id: string }[]).map(({ id }) => id);
}

export function messagesRemoved(...messageIds: string[]): ThreadEvent {
  return { type: 'MessagesRemoved', removerId: admin, messageIds, occurredAt: 9_000 };
}
