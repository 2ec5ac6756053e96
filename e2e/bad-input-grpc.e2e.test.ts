import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { badIds } from './testing/bad-ids.js';
import { type ContractClient, contractClient, failureOf, type Message, rawCall } from './testing/contract-clients.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { changesNothing, newAccount, newThread, type TestThread } from './testing/threads.js';

describe('Bad input through gRPC', function () {
  this.timeout(60_000);
  let rest: RestClient;
  let authority: string;
  let thread: TestThread;
  const clients: ContractClient[] = [];
  before(async () => {
    const mesh = await sharedMesh();
    authority = `127.0.0.1:${mesh.ports.envoy}`;
    rest = new RestClient(mesh.url);
    thread = await newThread(rest);
  });
  after(() => clients.forEach((client) => client.close()));

  const client = (service: Parameters<typeof contractClient>[0]): ContractClient => {
    const made = contractClient(service, authority);
    clients.push(made);
    return made;
  };
  const account = newAccount();
  const validCreate = { account_id: account, title: 't', administrator_ids: [account] };
  const badMessages = [{ text: 'good' }, { text: '' }, { to_account_ids: [newAccount(), '*'], text: '😀'.repeat(256) }];

  async function noThreadOf(accountId: string): Promise<void> {
    const marker = await newThread(rest, { memberIds: [accountId], title: 'marker' });
    await eventually(async () => {
      const { json } = await rest.get(`/v1/threads?account_id=${accountId}`);
      assert.deepEqual(
        (json.results as { id: string }[]).map(({ id }) => id),
        [marker.id],
      );
    });
  }

  describe('threadweaver.thread.v1', () => {
    let commands: ContractClient;
    let queries: ContractClient;
    before(() => {
      commands = client('threadweaver.thread.v1.ThreadCommandService');
      queries = client('threadweaver.thread.v1.ThreadQueryService');
    });

    async function refuses(of: ContractClient, method: string, request: Message, ...fields: string[]): Promise<void> {
      const failure = await failureOf(of.call(method, request));
      assert.equal(failure.code, status.INVALID_ARGUMENT, `${method}: ${failure.message}`);
      assert.deepEqual(Object.keys(failure.fields).sort(), [...fields].sort(), method);
      for (const [field, description] of Object.entries(failure.fields)) {
        assert.ok(description.length > 0);
        assert.ok(failure.message.includes(field), `the message does not name ${field}`);
      }
    }

    it('names every failing field of a create, and creates nothing', async () => {
      await refuses(
        commands,
        'CreateThread',
        {
          request_id: 'with a space',
          account_id: 'short',
          parent_thread_id: '',
          title: 'x'.repeat(256),
          remarks: '😀'.repeat(256),
          administrator_ids: [],
          member_ids: [account, '>'],
        },
        ...['request_id', 'account_id', 'parent_thread_id', 'title', 'remarks', 'administrator_ids', 'member_ids[1]'],
      );
      await refuses(commands, 'CreateThread', { ...validCreate, title: '😀'.repeat(256) }, 'title');
      const many = Array.from({ length: 1_001 }, newAccount);
      await refuses(commands, 'CreateThread', { ...validCreate, member_ids: many }, 'member_ids');
      await noThreadOf(account);
    });

    it('takes nothing that is no ULID', async () => {
      for (const id of Object.keys(badIds)) {
        await refuses(commands, 'DestroyThread', { account_id: id, thread_id: id }, 'account_id', 'thread_id');
        await refuses(queries, 'GetThread', { account_id: id, thread_id: id }, 'account_id', 'thread_id');
      }
    });

    it('names every failing field of the commands for a thread, and changes nothing', async () => {
      const bad = { account_id: 'x', thread_id: 'y' };
      const common = ['account_id', 'thread_id'];
      const of = { account_id: thread.administrator, thread_id: thread.id };
      await changesNothing(rest, thread, async () => {
        for (const [method, list] of [
          ['JoinAdministratorIds', 'administrator_ids'],
          ['LeaveAdministratorIds', 'administrator_ids'],
          ['JoinMemberIds', 'member_ids'],
          ['LeaveMemberIds', 'member_ids'],
          ['RemoveMessages', 'message_ids'],
        ] as const) {
          await refuses(commands, method, { ...bad, [list]: [account, 'z'] }, ...common, `${list}[1]`);
          await refuses(commands, method, { ...of, [list]: [] }, list);
        }
        await refuses(
          commands,
          'AddMessages',
          { ...of, messages: [...badMessages, { reply_message_id: '', text: 'x' }] },
          'messages[1].text',
          'messages[2].to_account_ids[1]',
          'messages[2].text',
          'messages[3].reply_message_id',
        );
        await refuses(commands, 'AddMessages', of, 'messages');
        const tooMany = Array.from({ length: 5_001 }, () => ({ text: 'x' }));
        await refuses(commands, 'AddMessages', { ...of, messages: tooMany }, 'messages');
      });
    });

    it('names what is wrong with a page', async () => {
      const of = { account_id: 'x', page_size: -1, page_token: '*' };
      await refuses(queries, 'ListThreads', of, 'account_id', 'page_size', 'page_token');
      const lists = ['ListAdministratorIds', 'ListMemberIds', 'ListMessages'];
      for (const list of lists) {
        await refuses(queries, list, { ...of, thread_id: '' }, 'account_id', 'thread_id', 'page_size', 'page_token');
      }
    });

    it('takes no invalid UTF-8 and no broken message', async () => {
      const path = '/threadweaver.thread.v1.ThreadCommandService/CreateThread';
      // Field 4 (title), two bytes that are no UTF-8.
      const notUtf8 = await failureOf(rawCall(authority, path, Buffer.from([0x22, 2, 0xff, 0xfe])));
      assert.equal(notUtf8.code, status.INVALID_ARGUMENT);
      assert.deepEqual(Object.keys(notUtf8.fields), ['title']);
      const broken = await failureOf(rawCall(authority, path, Buffer.from([0x22, 200])));
      assert.equal(broken.code, status.INVALID_ARGUMENT);
    });

    it('takes no broken message for health and reflection either', async () => {
      const direct = `127.0.0.1:${(await sharedMesh()).ports.threadQuery}`;
      const broken = Buffer.from([0x0a, 200]);
      for (const method of ['Health/Check', 'Health/Watch', 'Health/List']) {
        for (const bytes of [
          broken,
          Buffer.from([0x0a, 2, 0xff, 0xfe]).subarray(0, 3),
          Buffer.alloc(40_000, Buffer.from([0x0a, 0])),
        ]) {
          const failure = await failureOf(rawCall(direct, `/grpc.health.v1.${method}`, bytes));
          assert.equal(failure.code, status.INVALID_ARGUMENT, method);
        }
      }
      const throughEnvoy = await failureOf(rawCall(authority, '/grpc.health.v1.Health/Check', broken));
      assert.equal(throughEnvoy.code, status.INVALID_ARGUMENT);
      for (const version of ['v1', 'v1alpha']) {
        const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
        assert.equal((await failureOf(rawCall(direct, path, broken))).code, status.INVALID_ARGUMENT, version);
      }
    });

    it('takes no message beyond 4 MiB', async () => {
      const failure = await failureOf(
        commands.call('CreateThread', { ...validCreate, title: 'x'.repeat(4 * 1024 * 1024 + 1) }),
      );
      assert.equal(failure.code, status.RESOURCE_EXHAUSTED);
    });
  });

  describe('the older package', () => {
    let commands: ContractClient;
    let queries: ContractClient;
    before(() => {
      commands = client('thread.ThreadCommandService');
      queries = client('thread.ThreadQueryService');
    });

    async function refuses(of: ContractClient, method: string, request: Message, ...texts: string[]): Promise<void> {
      const answer = await of.call(method, request);
      assert.equal(answer.is_successful, false, method);
      assert.deepEqual([...(answer.error_messages as string[])].sort(), [...texts].sort(), method);
    }
    const WRONG_LENGTH = 'ulidString must be exactly 26 chars long.';

    it('names every failing field of a create in its answer, and creates nothing', async () => {
      const other = newAccount();
      await refuses(
        commands,
        'CreateThread',
        {
          account_id: 'short',
          has_parent_id: true,
          parent_id: '01DB5QXD4NP0XQTV92K42B3XBU',
          title: 'x'.repeat(256),
          has_remarks: true,
          remarks: 'x'.repeat(256),
          member_ids: [other, '>'],
          create_at: '-1',
        },
        `account_id: ${WRONG_LENGTH}`,
        "parent_id: Illegal character 'U'!",
        'title is too long',
        'remarks: must have at most 255 characters, has 256',
        'administrator-ids is empty',
        `member_ids[1]: ${WRONG_LENGTH}`,
        'create_at: must be from 0 to 253402300799999',
      );
      const tooLate = { account_id: other, title: 't', administrator_ids: [other], create_at: '9223372036854775807' };
      await refuses(commands, 'CreateThread', tooLate, 'create_at: must be from 0 to 253402300799999');
      await noThreadOf(other);
    });

    it('says of each wrong id what the older system says', async () => {
      for (const [id, text] of Object.entries(badIds)) {
        const texts = [`account_id: ${text}`, `thread_id: ${text}`];
        await refuses(commands, 'DestroyThread', { account_id: id, thread_id: id }, ...texts);
        await refuses(queries, 'GetThread', { account_id: id, thread_id: id }, ...texts);
      }
    });

    it('names every failing field of the commands for a thread, and changes nothing', async () => {
      const common = [`account_id: ${WRONG_LENGTH}`, `thread_id: ${WRONG_LENGTH}`];
      const bad = { account_id: 'x', thread_id: 'y', account_ids: [account, 'z'], message_ids: ['z'] };
      await changesNothing(rest, thread, async () => {
        for (const method of ['JoinAdministratorIds', 'LeaveAdministratorIds', 'JoinMemberIds', 'LeaveMemberIds']) {
          await refuses(commands, method, bad, ...common, `account_ids[1]: ${WRONG_LENGTH}`);
        }
        await refuses(commands, 'RemoveMessages', bad, ...common, `message_ids[0]: ${WRONG_LENGTH}`);
        await refuses(
          commands,
          'AddMessages',
          {
            account_id: thread.administrator,
            thread_id: thread.id,
            messages: [...badMessages, { has_reply_message_id: true, text: 'x' }],
          },
          'messages[1].text: must not be empty',
          `messages[2].to_account_ids[1]: ${WRONG_LENGTH}`,
          'messages[2].text: must have at most 255 characters, has 256',
          `messages[3].reply_message_id: ${WRONG_LENGTH}`,
        );
      });
    });

    it('names what is wrong with a window', async () => {
      const window = { has_offset: true, offset: '-1', has_limit: true, limit: '-1' };
      const answer = await queries.call('GetMessages', { account_id: 'x', thread_id: 'y', ...window });
      assert.equal(answer.is_successful, false);
      const fields = (answer.error_messages as string[]).map((text) => text.split(':')[0]);
      assert.deepEqual(fields.sort(), ['account_id', 'limit', 'offset', 'thread_id']);
    });
  });
});
