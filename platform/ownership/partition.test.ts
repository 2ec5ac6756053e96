import assert from 'node:assert/strict';
import { partitionOf } from './partition.js';

describe('partitionOf', () => {
  it('is FNV-1a-32 by its published test vectors', () => {
    // http://www.isthe.com/chongo/src/fnv/test_fnv.c
    assert.equal(partitionOf('', 2 ** 32), 0x811c9dc5);
    assert.equal(partitionOf('a', 2 ** 32), 0xe40c292c);
    assert.equal(partitionOf('foobar', 2 ** 32), 0xbf9cf968);
  });
});
