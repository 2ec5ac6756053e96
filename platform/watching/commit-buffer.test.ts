import assert from 'node:assert/strict';
import { CommitBuffer } from './commit-buffer.js';

describe('the buffer of commits that watchers share', () => {
  it('keeps no more memory than the bytes of its events', () => {
    const buffer = new CommitBuffer({ maxCommits: 10, maxBytes: 10_000 });
    // As it is decoded: a piece of Node's pool of buffers.
    const data = Buffer.from('a hundred bytes or so');
    assert.ok(data.buffer.byteLength > data.length);
    const trace = { requestId: 'R', traceparent: 'T' };
    const about = { aggregateId: 'A', commandId: 'C', commandType: 'Do', fingerprint: 'F', time: 1, trace };
    buffer.push({ ...about, version: 1, events: [{ type: 'Done', schemaVersion: 1, data }] });
    const kept = buffer.get(1)?.events[0]?.data;
    assert.ok(kept);
    assert.deepEqual([...kept], [...data]);
    assert.equal(kept.buffer.byteLength, data.length);
  });
});
