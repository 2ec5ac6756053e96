import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Fault } from '../../../../platform/kernel/fault.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import { commitOf } from './projection-fixture.js';
import { history, openProjection, versionsOf, type Projection } from './projector-fixture.js';

describe('projector with a commit that cannot be projected', () => {
  let model: Projection['model'];
  let journal: Projection['journal'];
  let startProjector: Projection['startProjector'];
  let journalise: Projection['journalise'];
  let publish: Projection['publish'];
  let assertProjected: Projection['assertProjected'];
  let close: Projection['close'];

  beforeEach(async () => {
    ({ model, journal, startProjector, journalise, publish, assertProjected, close } = await openProjection());
  });
  afterEach(() => close());

  it('parks its thread from there on, in order, and lets all others go on', async () => {
    const [healthy, poisoned] = [history(4), history(5)];
    const id = poisoned[0]?.aggregateId ?? '';
    poisoned[2] = {
      ...commitOf(id, 3),
      events: [{ type: 'FromTheFuture', schemaVersion: 1, data: new Uint8Array() }],
    };
    await journalise(...healthy, ...poisoned);
    publish(...poisoned.slice(0, 4), ...healthy);
    const { observer } = startProjector();
    await observer.until(() => observer.projectedVersions.length >= 6 && observer.count('parked') > 0);
    const later = poisoned[4] as Commit;
    publish(later, ...history(0));
    const next = history(2);
    await journalise(...next);
    publish(...next);
    await observer.until(() => observer.projectedVersions.length >= 8);
    const letters = await model.deadLetters();
    assert.deepEqual(
      letters.map(({ version, error }) => [version, error]),
      [
        [3, '"FromTheFuture" is no known type of event'],
        [4, null],
        [5, null],
      ],
    );
    const { threads } = await model.dump();
    assert.deepEqual(
      new Map(threads.map((row) => [row.id, row.version])),
      new Map([
        [id, 2],
        [healthy[0]?.aggregateId, 4],
        [next[0]?.aggregateId, 2],
      ]),
    );
    assert.equal(observer.count('parked'), 1);
  });

  it('parks a thread whose history in the journal cannot be read', async () => {
    const [healthy, damaged] = [history(2), history(3)];
    const id = damaged[0]?.aggregateId ?? '';
    await journalise(...healthy, ...damaged);
    publish(...damaged.slice(1), ...healthy);
    const damagedJournal = {
      append: journal.append.bind(journal),
      list: () => journal.list(),
      read: (aggregateId: string, fromVersion: number) => {
        if (aggregateId === id) throw new Fault('data-loss', 'UNREADABLE_COMMIT', 'torn');
        return journal.read(aggregateId, fromVersion);
      },
    };
    const { observer } = startProjector({ journal: damagedJournal, reconcileEveryMs: 20 });
    await observer.until(() => observer.projectedVersions.length >= 2);
    await observer.until(() => observer.count('reconciled') > 2);
    // One that the feed has lost lies between.
    publish(...[commitOf(id, 5)]);
    const next = history(1);
    await journalise(...next);
    publish(...next);
    await observer.until(() => observer.projectedVersions.length >= 3);
    assert.deepEqual(
      (await model.deadLetters()).map(({ version, error }) => [version, error]),
      [
        [1, 'torn'],
        [2, null],
        [3, null],
        [5, null],
      ],
    );
    assert.equal(observer.count('parked'), 1);
    await assertProjected(healthy, next);
  });

  it('keeps the thread parked after a restart', async () => {
    const poisoned = history(1);
    const id = poisoned[0]?.aggregateId ?? '';
    poisoned.push({
      ...commitOf(id, 2),
      events: [{ type: 'ThreadCreated', schemaVersion: 1, data: Buffer.from('junk') }],
    });
    poisoned.push(commitOf(id, 3));
    await journalise(...poisoned);
    publish(...poisoned.slice(0, 2));
    const one = startProjector();
    await one.observer.until(() => one.observer.count('parked') > 0);
    await one.projector.drain();
    const other = history(1);
    await journalise(...other);
    publish(...poisoned.slice(2), ...other);
    const two = startProjector();
    await two.observer.until(() => two.observer.projectedVersions.length >= 1);
    await two.observer.until(() => two.observer.count('reconciled') >= 1);
    assert.deepEqual(two.observer.projectedVersions, versionsOf(other));
    assert.equal(two.observer.count('parked'), 0);
    assert.deepEqual(
      (await model.deadLetters()).map(({ version }) => version),
      [2, 3],
    );
  });
});
