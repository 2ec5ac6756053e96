import assert from 'node:assert/strict';
import { deriveId } from './derived-id.js';
import { parseUlid } from './ulid.js';

describe('deriveId', () => {
  it('gives the same ULID for the same text, and another for another', () => {
    const texts = Array.from({ length: 1_000 }, (_, index) => `account/request ${index}`);
    const ids = texts.map(deriveId);
    assert.deepEqual(texts.map(deriveId), ids);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.deepEqual(parseUlid(id), { ok: true, value: id });
  });

  it('never changes: threads would be created again by repeats over an upgrade', () => {
    assert.equal(deriveId('account/r/request'), '01Z387PHV1WBBTM7TNFMWEPYK2');
  });
});
