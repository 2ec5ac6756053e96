import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { protoClient, type ProtoClient } from '../platform/testing/proto-client.js';
import { failureOf } from '../platform/testing/failure.js';
import { eventually } from './testing/eventually.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

/** As grpcio, grpc-go and most others receive. */
const byDefault = { 'grpc.max_receive_message_length': 4 * 1024 * 1024 };

describe('What is accepted', function () {
  this.timeout(120_000);
  const clients: ProtoClient[] = [];
  let commands: ProtoClient;
  let queries: ProtoClient;
  let legacy: ProtoClient;
  before(async () => {
    const authority = `127.0.0.1:${(await sharedMesh()).ports.envoy}`;
    const client = (file: string, service: string) => {
      const made = protoClient(file, service, authority, byDefault);
      clients.push(made);
      return made;
    };
    const v1 = 'threadweaver.thread.v1';
    commands = client('threadweaver/thread/v1/thread_command_service.proto', `${v1}.ThreadCommandService`);
    queries = client('threadweaver/thread/v1/thread_query_service.proto', `${v1}.ThreadQueryService`);
    legacy = client('thread/thread_services.proto', 'thread.ThreadQueryService');
  });
  after(() => clients.forEach((client) => client.close()));

  it('can be watched and read by clients that receive 4 MiB', async () => {
    const account_id = newAccount();
    const slow = { timeoutMs: 60_000 };
    const { thread_id } = await commands.call('CreateThread', {
      account_id,
      title: 't',
      administrator_ids: [account_id],
    });
    const of = { account_id, thread_id };
    const add = (count: number, emoji: number) =>
      commands.call(
        'AddMessages',
        { ...of, messages: new Array<object>(count).fill({ text: '😀'.repeat(emoji) }) },
        slow,
      );
    const refused = await failureOf(add(5_000, 206));
    assert.equal(refused.code, status.INVALID_ARGUMENT);
    assert.deepEqual(refused.fields, { messages: 'must have at most 4000000 bytes in all' });

    // As much as one command may bring, and then as much as a thread may hold.
    await add(3_780, 255);
    const { version } = await add(1_220, 255);
    const watch = queries.stream('WatchThread', of, slow);
    const seen: number[] = [];
    for await (const { commit } of watch as AsyncIterable<{ commit?: { version: string; events: Added[] } }>) {
      seen.push(commit?.events[0]?.messages_added?.messages.length ?? 0);
      if (commit?.version === version) break;
    }
    assert.deepEqual(seen, [0, 3_780, 1_220]);

    await eventually(() => queries.call('GetThread', { ...of, min_version: version }, slow));
    const old: unknown[] = [];
    for (;;) {
      const page = { has_offset: true, offset: old.length, has_limit: true, limit: 5_000 };
      const { messages } = (await legacy.call('GetMessages', { ...of, ...page }, slow)) as { messages: unknown[] };
      if (messages.length === 0) break;
      old.push(...messages);
    }
    assert.equal(new Set(old.map((message) => (message as { id: string }).id)).size, 5_000);
    assert.equal(old.length, 5_000);
  });

  it('is listed in pages that clients can receive, whoever is addressed', async () => {
    const account_id = newAccount();
    const { thread_id } = await commands.call('CreateThread', {
      account_id,
      title: 't',
      administrator_ids: [account_id],
    });
    const of = { account_id, thread_id };
    const to_account_ids = Array.from({ length: 1_000 }, newAccount);
    const messages = new Array<object>(95).fill({ text: 'x', to_account_ids });
    await commands.call('AddMessages', { ...of, messages });
    const { version } = await commands.call('AddMessages', { ...of, messages });
    const found: unknown[] = [];
    let page_token = '';
    do {
      const page = await queries.call('ListMessages', { ...of, page_token, page_size: 1_000, min_version: version });
      found.push(...(page.messages as unknown[]));
      page_token = page.next_page_token as string;
    } while (page_token !== '');
    assert.equal(found.length, 190);
  });
});

interface Added {
  readonly messages_added?: { readonly messages: readonly unknown[] };
}
