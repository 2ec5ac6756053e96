import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import { errorDetails } from '../../../../platform/testing/error-info.js';
import { openWatches, type Message, type Watches } from './watch-fixture.js';

describe('a thread’s events as server-sent events', () => {
  let watches: Watches;
  let { admin, member, queries, commit, newThread, post } = {} as Watches;
  before(async () => {
    watches = await openWatches();
    ({ admin, member, queries, commit, newThread, post } = watches);
  });
  after(() => watches.close());
  afterEach(() => watches.allGone());

  /** What comes until a text is in it; `onLive` is called once all history is there. */
  async function frames(
    request: object,
    metadata: Record<string, string>,
    last: string,
    onLive: () => Promise<unknown> = async () => undefined,
  ): Promise<string> {
    const stream = queries.rest.stream('WatchThread', { account_id: member, ...request }, { metadata });
    let text = '';
    let isLive = false;
    let acting: Promise<unknown> = Promise.resolve();
    const done = new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', ({ content_type, data }: { content_type: string; data: Buffer }) => {
        assert.equal(content_type, 'text/event-stream; charset=utf-8');
        text += data.toString();
        if (text.includes(last)) resolve();
        if (isLive || !text.includes(': at version')) return;
        isLive = true;
        acting = onLive();
        acting.catch(reject);
      });
    });
    await done;
    // What it tells of is seen before it is projected.
    await acting;
    stream.on('error', () => undefined);
    stream.cancel();
    return text;
  }

  it('writes a frame for each commit, with its version as the id', async () => {
    const thread = await newThread();
    await post(thread, 2, true, 'two\nlines: \u2028 data: x');
    await commit(thread, 3, []);
    const text = await frames({ thread_id: thread }, {}, ': at version 3');
    const [opening, first, second, third, end] = text.split('\n\n');
    assert.equal(opening, 'retry: 1000\n: watching');
    assert.match(first ?? '', /^id: 1\nevent: ThreadCreated\ndata: \{"version":"1",[^\n]*\}$/);
    assert.match(second ?? '', /^id: 2\nevent: MessagesAdded\ndata: \{[^\n]*"two\\nlines: \u2028 data: x"[^\n]*\}$/);
    assert.match(third ?? '', /^id: 3\nevent: commit\ndata: \{[^\n]*\}$/);
    assert.equal(end, ': at version 3');
  });

  it('resumes behind Last-Event-ID, which goes before from_version', async () => {
    const thread = await newThread(3);
    const ids = (text: string): string[] => text.match(/(?<=^id: )\d+$/gm) ?? [];
    const resumed = await frames({ thread_id: thread, from_version: '1' }, { 'last-event-id': '2' }, ': at version 4');
    assert.deepEqual(ids(resumed), ['3', '4']);
    assert.deepEqual(ids(await frames({ thread_id: thread, from_version: '4' }, {}, ': at version 4')), ['4']);
    assert.deepEqual(ids(await frames({ thread_id: thread }, { 'last-event-id': '4' }, ': at version 4')), []);
  });

  it('says in a last frame why it ends', async () => {
    const thread = await newThread();
    const text = await frames({ thread_id: thread }, {}, 'event: end', () =>
      commit(thread, 2, [{ type: 'MemberIdsLeft', accountId: admin, memberIds: [member], occurredAt: 1 }]),
    );
    const frame = text.split('\n\n').find((each) => each.startsWith('event: end'));
    const { reason, from_version } = JSON.parse(frame?.split('data: ')[1] ?? '') as Message;
    assert.deepEqual([reason, from_version], ['NOT_PARTICIPANT', '3']);
  });

  it('refuses hostile values before anything is sent', async () => {
    const thread = await newThread();
    for (const value of ['-1', 'x', '1.5', '99999999999999999999', "1' OR '1'='1", '1, 2']) {
      for (const [request, metadata, field] of [
        [{ from_version: value }, {}, 'from_version'],
        [{}, { 'last-event-id': value }, 'last-event-id'],
      ] as const) {
        const error = (await frames({ thread_id: thread, ...request }, metadata, 'x').catch(
          (thrown: unknown) => thrown,
        )) as ServiceError;
        assert.equal(error.code, status.INVALID_ARGUMENT, `${field} ${value}`);
        assert.deepEqual(errorDetails(error).fields, [field]);
      }
    }
  });
});
