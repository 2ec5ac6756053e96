import assert from 'node:assert/strict';
import { judgeRefresh, type RefreshState } from './refresh.js';

const state: RefreshState = { tokenHash: 'now', previousHash: 'before', rotatedAt: 100_000, expiresAt: 500_000 };

describe('a refresh token', () => {
  it('is good once', () => {
    assert.equal(judgeRefresh(state, 'now', 100_001), 'rotate');
    assert.equal(judgeRefresh(state, 'long ago', 100_001), 'reused');
    assert.equal(judgeRefresh({ ...state, previousHash: undefined }, 'before', 100_001), 'reused');
  });

  it('may come again for ten seconds, as long as its successor is unused', () => {
    assert.equal(judgeRefresh(state, 'before', 110_000), 'repeat');
    assert.equal(judgeRefresh(state, 'before', 110_001), 'reused');
    const used = { ...state, tokenHash: 'next', previousHash: 'now', rotatedAt: 100_500 };
    assert.equal(judgeRefresh(used, 'before', 100_501), 'reused');
  });

  it('is over when its time is, whichever it is', () => {
    for (const hash of ['now', 'before', 'long ago']) assert.equal(judgeRefresh(state, hash, 500_000), 'expired');
  });
});
