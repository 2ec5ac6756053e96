import assert from 'node:assert/strict';
import { restartDelayMs } from './restart-backoff.js';

describe('restart backoff', () => {
  it('restarts at once the first time, then doubles up to ten seconds', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 100].map((restarts) => restartDelayMs(restarts, 1));
    assert.deepEqual(delays, [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('varies by half of the delay', () => {
    assert.equal(restartDelayMs(3, 0), 500);
    assert.equal(restartDelayMs(3, 0.5), 750);
  });
});
