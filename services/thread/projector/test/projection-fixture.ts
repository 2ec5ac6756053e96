import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { MySqlProjectionStore } from '../../../../platform/mysql/projection-store.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import type { ProjectionEvent, ProjectionObserver } from '../../../../platform/projection/projection-observer.js';
import { freshDatabaseUrl } from '../../../../mesh/servers/index.js';
import { threadEventCodec } from '../../events/thread-event-codec.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import { mySqlThreadRows } from '../adapters/mysql-thread-rows.js';
import { threadsProjection } from '../projection.js';
import { migrations } from '../migrations/index.js';

/** A migrated database of its own, and how to write and read its read model. */
export async function openReadModel() {
  const url = await freshDatabaseUrl();
  await migrateDatabase({ url, migrations, report: () => undefined });
  const database = new Database({ url, maxConnections: 4 });
  const newStore = () => new MySqlProjectionStore(database, mySqlThreadRows, { projection: threadsProjection });
  return {
    url,
    database,
    newStore,
    /** Projects commits as one batch, whatever the checkpoint says. */
    async save(...commits: Commit[]): Promise<void> {
      const store = newStore();
      const seen = await store.loadCheckpoint();
      await store.save({ commits, parked: [], position: seen }, seen);
    },
    /** Everything in the tables that readers see. */
    async dump() {
      return {
        threads: await database.rows<Record<string, unknown>>('SELECT * FROM threads ORDER BY id'),
        participants: await database.rows<Record<string, unknown>>(
          'SELECT * FROM thread_participants ORDER BY thread_id, account_id',
        ),
        messages: await database.rows<Record<string, unknown>>('SELECT * FROM messages ORDER BY thread_id, position'),
        reactions: await database.rows<Record<string, unknown>>(
          'SELECT * FROM message_reactions ORDER BY thread_id, message_id, reaction, account_id',
        ),
        readMarks: await database.rows<Record<string, unknown>>(
          'SELECT * FROM read_marks ORDER BY thread_id, account_id',
        ),
      };
    },
    deadLetters: () =>
      database.rows<{ aggregate_id: string; version: number; error: string | null }>(
        'SELECT aggregate_id, version, error FROM dead_letters ORDER BY aggregate_id, version',
      ),
    close: () => database.close(),
  };
}

export type ReadModel = Awaited<ReturnType<typeof openReadModel>>;

/** A commit as the journal has it. */
export function commitOf(threadId: string, version: number, ...events: ThreadEvent[]): Commit {
  return {
    aggregateId: threadId,
    version,
    commandId: `command-${version}`,
    fingerprint: 'f00d',
    commandType: 'Command',
    time: 1_000 + version,
    trace: { requestId: `request-${version}`, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    events: events.map((event) => threadEventCodec.encode(event)),
  };
}

/** Likewise, decided at this time. */
export function commitAt(time: number, threadId: string, version: number, ...events: ThreadEvent[]): Commit {
  return { ...commitOf(threadId, version, ...events), time };
}

export function threadCreated(
  threadId: string,
  overrides: Partial<Extract<ThreadEvent, { type: 'ThreadCreated' }>> = {},
): ThreadEvent {
  const creatorId = overrides.creatorId ?? ulid();
  return {
    type: 'ThreadCreated',
    threadId,
    creatorId,
    title: 'A title',
    administratorIds: [creatorId],
    memberIds: [],
    occurredAt: 1_000,
    ...overrides,
  };
}

export function messagesAdded(
  senderId: string,
  messages: { id: string; text?: string }[],
  occurredAt = 2_000,
): ThreadEvent {
  return {
    type: 'MessagesAdded',
    senderId,
    messages: messages.map(({ id, text = 'Hello' }) => ({ id, text, toAccountIds: [] })),
    occurredAt,
  };
}

/** Records what it is told; `until` waits for it. */
export class RecordingObserver {
  readonly #events: ProjectionEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly observe: ProjectionObserver = (event) => {
    this.#events.push(event);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  };

  get projectedVersions(): string[] {
    return this.told('projected')
      .flatMap(({ commits }) => commits)
      .map(({ aggregateId, version }) => `${aggregateId}:${version}`);
  }

  told<Kind extends ProjectionEvent['kind']>(kind: Kind): Extract<ProjectionEvent, { kind: Kind }>[] {
    return this.#events.filter((event): event is Extract<ProjectionEvent, { kind: Kind }> => event.kind === kind);
  }

  count(kind: ProjectionEvent['kind']): number {
    return this.told(kind).length;
  }

  /** Resolves when the condition holds after some call. */
  async until(condition: (observer: this) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}
