import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../kernel/fault.js';
import { ReadModelVersions, type ViewedAggregate, type AggregateVersions } from './read-model-versions.js';

class FakeVersions implements AggregateVersions {
  readonly asked: (readonly string[])[] = [];
  readonly versions = new Map<string, number>();
  fault: Fault | undefined;

  async versionsOf(aggregates: readonly ViewedAggregate[]): Promise<readonly (number | undefined)[]> {
    const aggregateIds = aggregates.map(({ aggregateId }) => aggregateId);
    this.asked.push(aggregateIds);
    await delay(1);
    if (this.fault !== undefined) throw this.fault;
    return aggregateIds.map((aggregateId) => this.versions.get(aggregateId));
  }
}

const seen = (aggregateId: string): ViewedAggregate => ({ accountId: 'account', aggregateId });
const soon = (): number => Date.now() + 5_000;

describe('ReadModelVersions', () => {
  it('answers at once for what is there, and does nothing while nobody waits', async () => {
    const source = new FakeVersions();
    source.versions.set('a', 3);
    const versions = new ReadModelVersions(source);
    assert.equal(await versions.reached(seen('a'), 3, soon()), true);
    assert.equal(source.asked.length, 1);
    await delay(20);
    assert.equal(source.asked.length, 1);
    assert.equal(versions.waiting, 0);
  });

  it('waits for a version, and for an aggregate that is not there yet', async () => {
    const source = new FakeVersions();
    const versions = new ReadModelVersions(source);
    const [first, second] = [versions.reached(seen('a'), 1, soon()), versions.reached(seen('a'), 2, soon())];
    await delay(20);
    source.versions.set('a', 1);
    assert.equal(await first, true);
    assert.equal(versions.waiting, 1);
    source.versions.set('a', 2);
    assert.equal(await second, true);
  });

  it('asks for all aggregates in one statement at a time, and less often as time passes', async () => {
    const source = new FakeVersions();
    const versions = new ReadModelVersions(source, { firstPollMs: 2, maxPollMs: 20 });
    const until = Date.now() + 200;
    const waiting = Array.from({ length: 1_000 }, (_, index) =>
      versions.reached(seen(`aggregate-${index % 100}`), 1, until),
    );
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([false]));
    assert.equal(source.asked[0]?.length, 100);
    assert.ok(source.asked.length < 80, `${source.asked.length} statements`);
    assert.equal(versions.waiting, 0);
  });

  it('says no at the deadline, also one that has passed, and when the caller is gone', async () => {
    const versions = new ReadModelVersions(new FakeVersions());
    assert.equal(await versions.reached(seen('a'), 1, Date.now() - 1_000), false);
    let abandon: (() => void) | undefined;
    const waiting = versions.reached(seen('a'), 1, soon(), (callback) => (abandon = callback));
    abandon?.();
    assert.equal(await waiting, false);
    assert.equal(versions.waiting, 0);
  });

  it('fails at once when the read model is away', async () => {
    const source = new FakeVersions();
    source.fault = new Fault('unavailable', 'DATABASE_UNAVAILABLE', 'away');
    const versions = new ReadModelVersions(source);
    await assert.rejects(versions.reached(seen('a'), 1, soon()), { reason: 'DATABASE_UNAVAILABLE' });
    assert.equal(versions.waiting, 0);
  });

  it('lets only so many wait', async () => {
    const versions = new ReadModelVersions(new FakeVersions(), { maxWaiting: 2 });
    const until = Date.now() + 30;
    const waiting = [versions.reached(seen('a'), 1, until), versions.reached(seen('b'), 1, until)];
    await assert.rejects(versions.reached(seen('c'), 1, until), { reason: 'TOO_MANY_WAITING' });
    await Promise.all(waiting);
    assert.equal(await versions.reached(seen('c'), 1, Date.now()), false);
  });
});
