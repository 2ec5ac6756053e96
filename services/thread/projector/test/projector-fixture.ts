import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import type { Commit } from '../../../../platform/journal/journal.js';
import { Projector, type ProjectorOptions } from '../../../../platform/projection/projector.js';
import { InMemoryFeed } from '../../../../platform/testing/in-memory-feed.js';
import { InMemoryJournal } from '../../../../platform/testing/in-memory-journal.js';
import { commitOf, messagesAdded, openReadModel, RecordingObserver, threadCreated } from './projection-fixture.js';

/** A thread with so many commits: created, then a message each. */
export function history(length: number): Commit[] {
  const id = ulid();
  const creatorId = ulid();
  return Array.from({ length }, (_, index) =>
    index === 0
      ? commitOf(id, 1, threadCreated(id, { creatorId }))
      : commitOf(id, index + 1, messagesAdded(creatorId, [{ id: ulid() }])),
  );
}

export const versionsOf = (commits: Commit[]): string[] =>
  commits.map(({ aggregateId, version }) => `${aggregateId}:${version}`);

/** A read model, a journal and a feed of their own, and projectors on them. */
export async function openProjection() {
  const model = await openReadModel();
  const journal = new InMemoryJournal();
  const feed = new InMemoryFeed();
  const running: Projector[] = [];

  function startProjector(overrides: Partial<ProjectorOptions> = {}): {
    projector: Projector;
    observer: RecordingObserver;
  } {
    const observer = new RecordingObserver();
    const store = model.newStore();
    const projector = new Projector({
      feed,
      journal,
      store,
      observer: observer.observe,
      maxRetryMs: 50,
      checkEveryMs: 50,
      ...overrides,
    });
    running.push(projector);
    projector.start();
    return { projector, observer };
  }

  async function journalise(...commits: Commit[]): Promise<void> {
    for (const commit of commits) await journal.append(commit.aggregateId, commit.version - 1, commit);
  }

  const publish = (...commits: Commit[]): void => commits.forEach((commit) => feed.publish(commit));

  async function assertProjected(...histories: Commit[][]): Promise<void> {
    const { threads, messages } = await model.dump();
    const projected = new Map(threads.map((row) => [row.id, row.version]));
    assert.deepEqual(projected, new Map(histories.map((commits) => [commits[0]?.aggregateId, commits.length])));
    assert.equal(
      messages.length,
      histories.reduce((sum, { length }) => sum + length - 1, 0),
    );
  }

  async function close(): Promise<void> {
    await Promise.all(running.map((projector) => projector.drain()));
    await model.close();
  }

  return { model, journal, feed, startProjector, journalise, publish, assertProjected, close };
}

export type Projection = Awaited<ReturnType<typeof openProjection>>;
