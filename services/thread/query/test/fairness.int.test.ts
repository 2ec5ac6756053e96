import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import { openWatches, type Watches } from './watch-fixture.js';

const FLOOD = { metadata: { 'x-forwarded-for': '203.0.113.7' }, timeoutMs: Infinity };
const OTHER = { metadata: { 'x-forwarded-for': '203.0.113.8' }, timeoutMs: Infinity };

describe('a client that asks for more than can be read', function () {
  this.timeout(60_000);
  let watches: Watches;
  before(async () => (watches = await openWatches({ maxQueuedPerClient: 60 })));
  after(() => watches?.close());

  it('waits for itself, is refused what is too much, and fails nobody else’s calls', async () => {
    const { queries, member, newThread } = watches;
    const thread = await newThread(10);
    const request = { account_id: member, thread_id: thread };
    const codes = new Map<number, number>();
    let isOver = false;
    const flood = async (): Promise<void> => {
      while (!isOver) {
        const code = await queries.v1.call('ListMessages', request, FLOOD).then(
          () => status.OK,
          (error: ServiceError) => error.code,
        );
        codes.set(code, (codes.get(code) ?? 0) + 1);
        // As a client does that repeats what was refused.
        if (code !== status.OK) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const flooding = Promise.all(Array.from({ length: 120 }, flood));
    try {
      while (!codes.has(status.RESOURCE_EXHAUSTED)) await new Promise((resolve) => setTimeout(resolve, 20));
      for (let count = 0; count < 10; count += 1) await queries.v1.call('GetThread', request, OTHER);
    } finally {
      isOver = true;
      await flooding;
    }
    assert.deepEqual([...codes.keys()].sort(), [status.OK, status.RESOURCE_EXHAUSTED]);
  });
});
