import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Membership } from '../ownership/membership.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';
import { PartitionedProjector } from './partitioned-projector.js';
import type { ProjectionObserver } from './projection-observer.js';
import { feedPartitionsOf, projectionPartitionOf } from './projection-partition.js';
import type { Projector } from './projector.js';

/** A member 'me' that is told who serves the partitions. */
class ToldMembership {
  readonly self = 'me';
  assignment: Membership['assignment'];
  readonly members = [];
  readonly hasLeft = false;
  leaseEpoch = 1;
  #listener: () => void = () => undefined;
  isCurrent = (): boolean => true;
  onChange(listener: () => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }
  tell(...primaries: string[]): void {
    this.assignment = { members: [...new Set(primaries)].sort(), primaries, standbys: primaries.map(() => null) };
    this.#listener();
  }
}

/** Records what is done to it; drains when told to. */
class RecordedProjector {
  readonly calls: string[] = [];
  finish: () => void = () => undefined;
  constructor(readonly observer: ProjectionObserver) {}
  start = (): void => void this.calls.push('start');
  reconcile = (): void => void this.calls.push('reconcile');
  drain = (): Promise<void> => {
    this.calls.push('drain');
    return new Promise((resolve) => (this.finish = resolve));
  };
}

describe('PartitionedProjector', () => {
  let membership: ToldMembership;
  let made: [number, RecordedProjector][];
  let health: boolean[];
  let projector: PartitionedProjector;
  beforeEach(() => {
    membership = new ToldMembership();
    made = [];
    health = [];
    projector = new PartitionedProjector({
      ownership: new PartitionOwnership(membership as unknown as Membership, 4),
      observer: (event) => void (event.kind === 'health-changed' && health.push(event.isHealthy)),
      newProjector: (partition, observer) => {
        const one = new RecordedProjector(observer);
        made.push([partition, one]);
        return one as unknown as Projector;
      },
    });
    projector.start();
  });
  afterEach(async () => {
    const drained = projector.drain();
    await new Promise(setImmediate);
    for (const [, one] of made) one.finish();
    await new Promise(setImmediate);
    for (const [, one] of made) one.finish();
    await drained;
  });

  it('starts what it gains and drains what it loses, and only that', () => {
    assert.equal(made.length, 0);
    membership.tell('me', 'other', 'me', 'other');
    assert.deepEqual(projector.partitions, [0, 2]);
    membership.tell('me', 'me', 'other', 'other');
    assert.deepEqual(projector.partitions, [0, 1]);
    assert.deepEqual(
      made.map(([partition, { calls }]) => [partition, calls]),
      [
        [0, ['start']],
        [2, ['start', 'drain']],
        [1, ['start']],
      ],
    );
  });

  it('starts a partition that comes back only when its last batch is finished', async () => {
    membership.tell('me', 'other', 'other', 'other');
    membership.tell('other', 'other', 'other', 'other');
    membership.tell('me', 'other', 'other', 'other');
    await new Promise(setImmediate);
    assert.deepEqual(
      made.map(([, { calls }]) => calls),
      [['start', 'drain'], []],
    );
    made[0]?.[1].finish();
    await new Promise(setImmediate);
    assert.deepEqual(made[1]?.[1].calls, ['start']);
  });

  it('is healthy when all of its partitions are, or it has none', () => {
    membership.tell('me', 'me', 'other', 'other');
    const [[, one], [, two]] = made as [[number, RecordedProjector], [number, RecordedProjector]];
    one.observer({ kind: 'health-changed', isHealthy: true });
    assert.deepEqual(health, []);
    two.observer({ kind: 'health-changed', isHealthy: true });
    two.observer({ kind: 'health-changed', isHealthy: false });
    one.observer({ kind: 'health-changed', isHealthy: false });
    assert.deepEqual(health, [true, false]);
    membership.tell('other', 'other', 'other', 'other');
    assert.deepEqual(health, [true, false, true]);
    // Of one that is gone nothing is believed any more.
    two.observer({ kind: 'health-changed', isHealthy: false });
    assert.deepEqual(health, [true, false, true]);
  });
});

describe('partitions of a projection', () => {
  it('divide those of the feed, each to one, and threads the same way', () => {
    const partitions = { feedPartitions: 64, count: 5 };
    const all = [0, 1, 2, 3, 4].flatMap((partition) => feedPartitionsOf(partition, partitions));
    assert.deepEqual(
      all.toSorted((left, right) => left - right),
      Array.from({ length: 64 }, (_, index) => index),
    );
    assert.equal(projectionPartitionOf('a', partitions), ((0xe40c292c >>> 0) % 64) % 5);
  });
});
