import assert from 'node:assert/strict';
import { lastTwoThirds, median, slopePerHour, type Point } from './slope.js';
import { judgeCount, judgeFlat, judgeNone } from './verdict.js';

const MINUTE_MS = 60_000;
const perMinute = (minutes: number, valueAt: (minute: number) => number): Point[] =>
  Array.from({ length: minutes }, (_, minute) => ({ atMs: minute * MINUTE_MS, value: valueAt(minute) }));
/** From -1 to 1, always the same. */
const noise = (minute: number): number => Math.sin(minute * 12.9898);
const limit = { mibPerHour: 20, noiseMib: 3 };

describe('the verdict of a soak', () => {
  it('finds a slow leak below the noise of collections', () => {
    // Half a MiB a minute, in two MiB of noise.
    const leaking = perMinute(30, (minute) => 40 + minute / 2 + 2 * noise(minute));
    assert.ok(Math.abs(slopePerHour(leaking) - 30) < 5, String(slopePerHour(leaking)));
    assert.equal(judgeFlat('', leaking, limit).isGood, false);
  });

  it('passes what is flat, and what only rises at first', () => {
    const flat = perMinute(30, (minute) => 40 + 2 * noise(minute));
    assert.equal(judgeFlat('', flat, limit).isGood, true);
    const filling = perMinute(30, (minute) => 40 + Math.min(minute, 8) + noise(minute));
    assert.equal(judgeFlat('', filling, limit).isGood, true);
    assert.equal(lastTwoThirds(filling)[0]?.atMs, 10 * MINUTE_MS);
  });

  it('is not bent by a few wild values', () => {
    const wild = perMinute(30, (minute) => (minute % 7 === 6 ? 400 : 40));
    assert.equal(judgeFlat('', wild, limit).isGood, true);
  });

  it('passes nothing that was not measured', () => {
    assert.equal(judgeFlat('', [], limit).isGood, false);
    assert.equal(judgeCount('', NaN, 3, 5).isGood, false);
  });

  it('counts', () => {
    assert.equal(judgeNone('', 0).isGood, true);
    assert.equal(judgeNone('', 1).isGood, false);
    assert.equal(judgeCount('', 30, 35, 5).isGood, true);
    assert.equal(judgeCount('', 30, 36, 5).isGood, false);
    assert.equal(median([3, 1, 2]), 2);
  });
});
