import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { threadsProjection } from '../projection.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import { JournalUnavailable, type Commit } from '../../../../platform/journal/journal.js';
import { ProjectionOperations } from '../../../../platform/mysql/projection-operations.js';
import {
  CheckpointMoved,
  type ProjectionChange,
  type ProjectionCheckpoint,
  type ProjectionStore,
} from '../../../../platform/projection/projection-store.js';
import { InMemoryJournal } from '../../../../platform/testing/in-memory-journal.js';
import { history, openProjection, versionsOf, type Projection } from './projector-fixture.js';

describe('projector', () => {
  let model: Projection['model'];
  let journal: Projection['journal'];
  let feed: Projection['feed'];
  let startProjector: Projection['startProjector'];
  let journalise: Projection['journalise'];
  let publish: Projection['publish'];
  let assertProjected: Projection['assertProjected'];
  let close: Projection['close'];

  beforeEach(async () => {
    ({ model, journal, feed, startProjector, journalise, publish, assertProjected, close } = await openProjection());
  });
  afterEach(() => close());

  it('projects what was published before and while it runs, each commit once', async () => {
    const [before, during] = [history(5), history(5)];
    await journalise(...before, ...during);
    publish(...before);
    const { observer } = startProjector({ reconcileEveryMs: 1_000_000 });
    await observer.until(() => observer.projectedVersions.length >= 5);
    publish(...during);
    await observer.until(() => observer.projectedVersions.length >= 10);
    assert.deepEqual(observer.projectedVersions.toSorted(), versionsOf([...before, ...during]).toSorted());
    await assertProjected(before, during);
  });

  it('goes on from its checkpoint after a restart', async () => {
    const [first, second] = [history(3), history(3)];
    await journalise(...first);
    publish(...first);
    const one = startProjector();
    await one.observer.until(() => one.observer.projectedVersions.length >= 3);
    await one.projector.drain();
    assert.equal(one.projector.state, 'STOPPED');
    await journalise(...second);
    publish(...second);
    const two = startProjector();
    await two.observer.until(() => two.observer.projectedVersions.length >= 3);
    assert.deepEqual(two.observer.projectedVersions.toSorted(), versionsOf(second).toSorted());
    assert.equal(two.observer.count('restarted'), 0);
    await assertProjected(first, second);
  });

  it('applies nothing twice when the feed repeats, shuffles and loses copies', async () => {
    const histories = [history(6), history(6), history(6)];
    await journalise(...histories.flat());
    const [a, b, c] = histories as [Commit[], Commit[], Commit[]];
    // Of a all, twice and backwards; of b only the last; of c with holes.
    publish(...a, ...a.toReversed(), ...b.slice(5), ...c.filter((_, index) => index % 2 === 1), ...a);
    const { observer } = startProjector();
    await observer.until(() => observer.projectedVersions.length >= 18);
    assert.equal(new Set(observer.projectedVersions).size, 18);
    await assertProjected(...histories);
  });

  it('fills a gap before it moves its checkpoint', async () => {
    const commits = history(4);
    const late = history(1);
    const { observer } = startProjector({ reconcileEveryMs: 1_000_000, journal: failingReads() });
    await observer.until(() => observer.count('reconciled') > 0);
    await journalise(...commits);
    publish(...commits.slice(2));
    await observer.until(() => observer.count('troubled') > 0);
    assert.equal((await model.newStore().loadCheckpoint()).sequence, 0);
    await journalise(...late);
    publish(...late);
    await observer.until(() => observer.projectedVersions.length >= 5);
    await assertProjected(commits, late);

    /** The first read fails. */
    function failingReads() {
      let failures = 1;
      return {
        append: journal.append.bind(journal),
        list: () => journal.list(),
        read: (id: string, from: number) => {
          if (failures-- > 0) throw new JournalUnavailable('away');
          return journal.read(id, from);
        },
      };
    }
  });

  it('leaves out what the journal does not lead up to, and says so', async () => {
    const [lost, other] = [history(3), history(1)];
    await journalise(...other);
    publish(...lost.slice(2), ...other);
    const { observer } = startProjector();
    await observer.until(() => observer.projectedVersions.length >= 1 && observer.count('unfounded') > 0);
    await assertProjected(other);
  });

  it('projects at the start what never reached the feed', async () => {
    const [lost, long] = [history(3), history(1_200)];
    await journalise(...lost, ...long);
    const { observer } = startProjector({ maxBatchCommits: 500 });
    await observer.until(() => observer.count('reconciled') > 0);
    await assertProjected(lost, long);
  });

  it('tells which threads the journal has less of than the read model, not those that have only just gone on', async () => {
    const [restored, whole, hot] = [history(5), history(3), history(2)];
    await journalise(...restored, ...whole, ...hot);
    const first = startProjector();
    await first.observer.until(() => first.observer.count('reconciled') > 0);
    await first.projector.drain();
    const older = new InMemoryJournal();
    for (const commit of [...restored.slice(0, 3), ...whole, ...hot]) {
      await older.append(commit.aggregateId, commit.version - 1, commit);
    }
    const [{ aggregateId: hotId }] = hot as [Commit];
    const list = async function* () {
      for await (const one of older.list()) yield one.aggregateId === hotId ? { ...one, version: 1 } : one;
    };
    const { observer } = startProjector({ journal: { read: older.read.bind(older), list } });
    await observer.until(() => observer.count('reconciled') > 0);
    const told = observer.told('ahead').map(({ aggregateIds }) => aggregateIds);
    assert.deepEqual(told, [[restored[0]?.aggregateId]]);
  });

  it('compares with the journal at a takeover, and when an entry cannot be read', async () => {
    const { observer } = startProjector({ reconcileEveryMs: 1_000_000 });
    await observer.until(() => observer.count('reconciled') > 0);
    const [first, second] = [history(2), history(2)];
    await journalise(...first);
    await feed.announceTakeover();
    await observer.until(() => observer.projectedVersions.length >= 2);
    await observer.until(() => observer.count('reconciled') > 1);
    await journalise(...second);
    feed.push({ kind: 'malformed', error: new Error('torn') });
    await observer.until(() => observer.projectedVersions.length >= 4);
    await assertProjected(first, second);
    assert.equal(observer.count('malformed'), 1);
  });

  it('keeps no listener of comparisons that are over', async () => {
    const warnings: string[] = [];
    const take = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on('warning', take);
    try {
      const { observer } = startProjector();
      for (let count = 1; count <= 15; count += 1) {
        await observer.until(() => observer.count('reconciled') >= count);
        feed.push({ kind: 'takeover' });
      }
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', take);
    }
    assert.deepEqual(warnings, []);
  });

  it('compares with the journal, once, when the feed has dropped what nobody has read', async () => {
    let firstSequence = 1;
    let checks = 0;
    const bounds = async () => {
      checks += 1;
      return { identity: 'feed', firstSequence, lastSequence: Math.max(10, firstSequence) };
    };
    const read = async function* (_: number, signal: AbortSignal): AsyncIterable<never> {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const { observer } = startProjector({ feed: { bounds, read }, reconcileEveryMs: 1_000_000, checkEveryMs: 5 });
    await observer.until(() => observer.count('reconciled') === 1);
    const checked = async (more: number): Promise<void> => {
      const until = checks + more;
      while (checks < until) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await checked(3);
    assert.equal(observer.count('reconciled'), 1);
    firstSequence = 50;
    await observer.until(() => observer.count('reconciled') === 2);
    await checked(3);
    assert.equal(observer.count('reconciled'), 2);
  });

  it('projects nothing while it is paused, and goes on afterwards', async () => {
    const operations = new ProjectionOperations(model.database, threadsProjection);
    const [first, second] = [history(2), history(2)];
    await journalise(...first, ...second);
    publish(...first);
    const { observer } = startProjector();
    await observer.until(() => observer.projectedVersions.length === 2 + 2);
    await operations.pause('operator');
    await observer.until(() => observer.count('paused') === 1);
    const third = history(1);
    await journalise(...third);
    publish(...second, ...third);
    // The pause of a rebuild whose session is gone is none; that of an operator stays.
    assert.equal(await operations.resume('rebuild'), 0);
    await assertProjected(first, second);
    assert.equal(await operations.resume('operator'), 1);
    await observer.until(() => observer.projectedVersions.length === 5);
    assert.deepEqual(
      observer.told('paused').map(({ isPaused }) => isPaused),
      [true, false],
    );
    await operations.pause('rebuild');
    const fourth = history(1);
    await journalise(...fourth);
    publish(...fourth);
    await observer.until(() => observer.projectedVersions.length === 6);
    await assertProjected(first, second, third, fourth);
  });

  it('compares with the journal every so often', async () => {
    const { observer } = startProjector({ reconcileEveryMs: 20 });
    await observer.until(() => observer.count('reconciled') > 1);
    const commits = history(2);
    await journalise(...commits);
    await observer.until(() => observer.projectedVersions.length >= 2);
    await assertProjected(commits);
  });

  it('begins anew when the feed was made anew, while it runs and while it does not', async () => {
    const [first, second, third] = [history(3), history(3), history(3)];
    await journalise(...first);
    publish(...first);
    const one = startProjector();
    await one.observer.until(() => one.observer.projectedVersions.length >= 3);
    await journalise(...second);
    await feed.recreate();
    publish(...second.slice(1));
    await one.observer.until(() => one.observer.projectedVersions.length >= 6);
    assert.deepEqual(
      one.observer.told('restarted').map(({ reason }) => reason),
      ['new feed', 'new feed'],
    );
    await one.projector.drain();
    await feed.recreate();
    await journalise(...third);
    const two = startProjector();
    await two.observer.until(() => two.observer.projectedVersions.length >= 3);
    await assertProjected(first, second, third);
  });

  it('loses and repeats nothing when it dies before, within or after a transaction', async () => {
    // Many of one commit: no later one would show that it is missing.
    const histories = Array.from({ length: 60 }, (_, index) => history(index % 4 === 3 ? 5 : 1));
    await journalise(...histories.flat());
    publish(...histories.flat());
    let saves = 0;
    let isDead = false;
    /** Saves, or does not, and then says that the outcome is unknown; or dies for good. */
    class UncertainStore implements ProjectionStore {
      readonly #store = model.newStore();
      loadCheckpoint = () => this.#store.loadCheckpoint();
      loadVersions = (ids: readonly string[]) => this.#store.loadVersions(ids);
      loadParkedVersions = () => this.#store.loadParkedVersions();
      async save(change: ProjectionChange, seen: ProjectionCheckpoint): Promise<ProjectionCheckpoint> {
        saves += 1;
        const fault = new Fault('unavailable', 'DATABASE_UNAVAILABLE', 'lost connection');
        if (isDead || saves % 3 === 1) throw fault;
        const saved = await this.#store.save(change, seen);
        if (saves === 17) isDead = true;
        if (saves % 3 === 2) throw fault;
        return saved;
      }
    }
    // Without the reconciler, which would make good a checkpoint that ran ahead of its rows.
    const unlisted = { append: journal.append.bind(journal), read: journal.read.bind(journal), list: nothing };
    const first = startProjector({ store: new UncertainStore(), journal: unlisted, maxBatchCommits: 7, maxRetryMs: 5 });
    await first.observer.until(() => isDead && first.observer.count('troubled') > 6);
    await first.projector.drain();
    const sentinel = history(1);
    await journalise(...sentinel);
    publish(...sentinel);
    const second = startProjector({ maxBatchCommits: 7, journal: unlisted });
    await second.observer.until(() => second.observer.projectedVersions.includes(versionsOf(sentinel)[0] as string));
    await assertProjected(...histories, sentinel);
    assert.deepEqual(await model.deadLetters(), []);
  });

  it('saves nothing on a checkpoint that another projector has moved', async () => {
    const [mine, theirs] = [history(1), history(1)];
    const store = model.newStore();
    const seen = await store.loadCheckpoint();
    const position = { feedIdentity: 'feed', sequence: 7 };
    const saved = await store.save({ commits: theirs, parked: [], position }, seen);
    assert.deepEqual(await store.loadCheckpoint(), saved);
    await assert.rejects(store.save({ commits: mine, parked: [], position }, seen), CheckpointMoved);
    await assert.rejects(
      store.save({ commits: mine, parked: [], position }, { ...saved, revision: 9 }),
      CheckpointMoved,
    );
    await assertProjected(theirs);
    assert.deepEqual(await store.loadCheckpoint(), saved);
  });

  it('shares the work with another projector without applying anything twice', async () => {
    const [one, two] = [startProjector({ maxBatchCommits: 5 }), startProjector({ maxBatchCommits: 5 })];
    const histories = Array.from({ length: 30 }, () => history(4));
    for (const commits of histories) {
      await journalise(...commits);
      publish(...commits);
      await new Promise(setImmediate);
    }
    const all = () => [...one.observer.projectedVersions, ...two.observer.projectedVersions];
    await Promise.race([one, two].map(({ observer }) => observer.until(() => all().length >= 120)));
    assert.equal(all().length, 120);
    assert.equal(new Set(all()).size, 120);
    await assertProjected(...histories);
    assert.deepEqual(await model.deadLetters(), []);
  });

  it('is unhealthy after some time of trouble and well again when that is over', async () => {
    let isAway = true;
    const store = model.newStore();
    const loadCheckpoint = store.loadCheckpoint.bind(store);
    store.loadCheckpoint = async () => {
      if (isAway) throw new Fault('unavailable', 'DATABASE_UNAVAILABLE', 'away');
      return loadCheckpoint();
    };
    const { observer } = startProjector({ store, unhealthyAfterMs: 20 });
    const told = () => observer.told('health-changed').map(({ isHealthy }) => isHealthy);
    await observer.until(() => told().length === 1);
    isAway = false;
    await observer.until(() => told().length === 2);
    isAway = true;
    await observer.until(() => told().length === 3);
    assert.deepEqual(told(), [false, true, false]);
  });
});

async function* nothing(): AsyncIterable<never> {
  await Promise.resolve();
}
