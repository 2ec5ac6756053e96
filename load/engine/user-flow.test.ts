import assert from 'node:assert/strict';
import { iterationArrival, scenarioDealer, userArrivals } from './user-flow.js';

describe('The flow of users', () => {
  it('brings each user once, evenly over the ramp, whatever the number of workers', () => {
    const options = { users: 10, rampMs: 1_000 };
    const all = [0, 1, 2].flatMap((workerIndex) => userArrivals(options, { workerIndex, workerCount: 3 }));
    assert.deepEqual(
      all.sort((one, other) => one - other),
      [0, 100, 200, 300, 400, 500, 600, 700, 800, 900],
    );
  });

  it('raises a rate evenly and then keeps it', () => {
    const arrivals = Array.from({ length: 250 }, (_, index) =>
      iterationArrival({ rate: 100, rampMs: 1_000 }, { workerIndex: index % 2, workerCount: 2 }, Math.floor(index / 2)),
    );
    const within = (from: number, to: number): number => arrivals.filter((at) => at >= from && at < to).length;
    // The area under the ramp: a quarter of it in the first half.
    assert.deepEqual(
      [within(0, 500), within(500, 1_000), within(1_000, 2_000), within(2_000, 3_000)],
      [13, 37, 100, 100],
    );
    assert.deepEqual(
      arrivals,
      [...arrivals].sort((one, other) => one - other),
    );
  });

  it('deals scenarios by weight, mixed, and goes on where others stopped', () => {
    const scenarios = [
      { name: 'thread', weight: 3 },
      { name: 'chat', weight: 1 },
    ] as const;
    const first = scenarioDealer(scenarios);
    const dealt = Array.from({ length: 8 }, () => first().name);
    assert.deepEqual(dealt.slice(0, 4).sort(), ['chat', 'thread', 'thread', 'thread']);
    assert.deepEqual(dealt.slice(4), dealt.slice(0, 4));
    const later = scenarioDealer(scenarios, 3);
    assert.equal(later().name, dealt[3]);
  });
});
