import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { decodePageToken, encodePageToken, pageOf } from './page-token.js';

const paged = { list: 'ListMessages', arguments: ['ACCOUNT', 'THREAD'] };
const cursor = { position: 2 ** 52, id: '01DB5QXD4NP0XQTV92K42B3XBF' };

describe('page tokens', () => {
  it('give back the place that they were made of', () => {
    for (const place of [cursor, { position: 0, id: '' }]) {
      assert.deepEqual(decodePageToken(paged, encodePageToken(paged, place)), place);
    }
  });

  it('serve only their list and arguments', () => {
    const token = encodePageToken(paged, cursor);
    assert.equal(decodePageToken({ ...paged, list: 'ListMemberIds' }, token), undefined);
    assert.equal(decodePageToken({ ...paged, arguments: ['ACCOUNT', 'OTHER'] }, token), undefined);
    assert.equal(decodePageToken({ ...paged, arguments: ['ACCOUNTTHREAD'] }, token), undefined);
  });

  it('are refused when any character is changed, dropped or added', () => {
    const token = encodePageToken(paged, cursor);
    for (let index = 0; index < token.length; index += 1) {
      for (const other of ['A', 'B', '', '=', '_x', '\0', '😀']) {
        const changed = token.slice(0, index) + other + token.slice(index + 1);
        if (changed !== token) assert.equal(decodePageToken(paged, changed), undefined, changed);
      }
    }
    assert.equal(decodePageToken(paged, `${token}A`), undefined);
    assert.equal(decodePageToken(paged, 'x'.repeat(1_000_000)), undefined);
  });

  it('are refused when they are anything else', () => {
    fc.assert(fc.property(fc.string(), (text) => decodePageToken(paged, text) === undefined));
  });
});

describe('pageOf', () => {
  const entries = [1, 2, 3].map((value) => ({ value, cursor: { position: value, id: '' } }));

  it('has a token when there is more than the page, of its last entry', () => {
    const { values, nextPageToken } = pageOf(entries, 2, paged);
    assert.deepEqual(values, [1, 2]);
    assert.deepEqual(decodePageToken(paged, nextPageToken), { position: 2, id: '' });
  });

  it('has none on the last page', () => {
    assert.deepEqual(pageOf(entries, 3, paged), { values: [1, 2, 3], nextPageToken: '' });
    assert.deepEqual(pageOf([], 3, paged), { values: [], nextPageToken: '' });
  });
});
