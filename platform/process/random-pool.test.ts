import assert from 'node:assert/strict';
import { randomFraction, randomHex } from './random-pool.js';

describe('the pool of random bytes', () => {
  it('gives nobody the same ones, also when it is filled anew', () => {
    const drawn = Array.from({ length: 1_000 }, () => randomHex(16));
    assert.ok(drawn.every((text) => /^[0-9a-f]{32}$/.test(text)));
    assert.equal(new Set(drawn).size, drawn.length);
  });

  it('gives fractions from 0 on below 1', () => {
    const drawn = Array.from({ length: 5_000 }, randomFraction);
    assert.ok(drawn.every((fraction) => fraction >= 0 && fraction < 1));
    assert.ok(new Set(drawn).size > 200);
  });
});
