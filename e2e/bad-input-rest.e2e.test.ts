import assert from 'node:assert/strict';
import { badIds } from './testing/bad-ids.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { changesNothing, newAccount, newThread, type TestThread, viewOf } from './testing/threads.js';

const WRONG_LENGTH = 'ulidString must be exactly 26 chars long.';

describe('Bad input through REST', function () {
  this.timeout(60_000);
  let rest: RestClient;
  let thread: TestThread;
  before(async () => {
    rest = new RestClient((await sharedMesh()).url);
    thread = await newThread(rest);
  });

  /** 400 with exactly these messages, in any order. */
  async function refuses(path: string, body: object | string | Uint8Array, ...messages: string[]): Promise<void> {
    const answer = await rest.post(`/v1/threads/${path}`, body);
    assert.deepEqual(
      [answer.status, [...(answer.json?.error_messages as string[])].sort()],
      [400, [...messages].sort()],
      answer.text.slice(0, 300),
    );
  }

  const account = newAccount();
  const validCreate = { accountId: account, title: 't', administratorIds: [account], memberIds: [], createAt: 1 };

  it('names every failing field of a create', async () => {
    await refuses(
      'create',
      {
        accountId: 'short',
        parentThreadId: '01DB5QXD4NP0XQTV92K42B3XBU',
        title: 'x'.repeat(256),
        remarks: '😀'.repeat(256),
        administratorIds: [],
        memberIds: [account, '8ZZZZZZZZZZZZZZZZZZZZZZZZZ', '*'],
        createAt: -1,
      },
      `accountId: ${WRONG_LENGTH}`,
      "parentThreadId: Illegal character 'U'!",
      'title is too long',
      'remarks: must have at most 255 characters, has 256',
      'administrator-ids is empty',
      "memberIds[1]: ulidString must not exceed '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'!",
      `memberIds[2]: ${WRONG_LENGTH}`,
      'createAt: must be from 0 to 253402300799999',
    );
  });

  it('names what is missing from an empty or all-null create', async () => {
    const nulls = { accountId: null, parentThreadId: null, title: null, remarks: null, administratorIds: null };
    for (const body of [{}, '', { ...nulls, memberIds: null, createAt: null }]) {
      await refuses('create', body, `accountId: ${WRONG_LENGTH}`, 'title: is required', 'administrator-ids is empty');
    }
  });

  it('says of each wrong id what the older system says', async () => {
    for (const [id, text] of Object.entries(badIds)) {
      await refuses('create', { ...validCreate, accountId: id }, `accountId: ${text}`);
      await refuses('create', { ...validCreate, administratorIds: [account, id] }, `administratorIds[1]: ${text}`);
    }
  });

  it('takes wrong ids in paths and queries as ids, not as paths', async () => {
    for (const [id, text] of Object.entries(badIds)) {
      if (id === '') continue;
      const encoded = encodeURIComponent(id);
      await refuses(`${encoded}/destroy`, { accountId: account }, `threadId: ${text}`);
      const answer = await rest.get(`/v1/threads/${encoded}?account_id=${encoded}`);
      assert.equal(answer.status, 400, id);
      assert.deepEqual(
        [...(answer.json.error_messages as string[])].sort(),
        [`account_id: ${text}`, `thread_id: ${text}`],
        id,
      );
    }
  });

  it('names every failing field of the commands for a thread', async () => {
    await changesNothing(rest, thread, async () => {
      const bad = { accountId: 'x', accountIds: ['y', account, 'z'], createAt: 1.5 };
      const common = [`threadId: ${WRONG_LENGTH}`, `accountId: ${WRONG_LENGTH}`, 'createAt: must be a whole number'];
      const lists = [`accountIds[0]: ${WRONG_LENGTH}`, `accountIds[2]: ${WRONG_LENGTH}`];
      for (const list of ['administrator-ids', 'member-ids']) {
        await refuses(`BAD/${list}/join`, bad, ...common, ...lists);
        await refuses(`BAD/${list}/leave`, bad, ...common, ...lists);
      }
      await refuses('BAD/destroy', bad, ...common);
      await refuses('BAD/messages/remove', { ...bad, messageIds: ['>'] }, ...common, `messageIds[0]: ${WRONG_LENGTH}`);
      await refuses(
        `${thread.id}/messages/add`,
        {
          accountId: thread.member,
          messages: [
            { toAccountIds: [], text: 'good' },
            { toAccountIds: [], text: '' },
            { replyMessageId: 'no', toAccountIds: [account, 'U'.repeat(26)], text: '😀'.repeat(256) },
            { toAccountIds: [] },
          ],
        },
        'messages[1].text: must not be empty',
        `messages[2].replyMessageId: ${WRONG_LENGTH}`,
        "messages[2].toAccountIds[1]: Illegal character 'U'!",
        'messages[2].text: must have at most 255 characters, has 256',
        'messages[3].text: is required',
      );
    });
  });

  it('counts characters, not bytes or halves of emoji', async () => {
    await refuses('create', { ...validCreate, title: '😀'.repeat(256) }, 'title is too long');
    const title = '😀'.repeat(255);
    const other = newAccount();
    const answer = await rest.post('/v1/threads/create', { ...validCreate, administratorIds: [other], title });
    assert.equal(answer.status, 200);
    assert.ok(answer.json.threadId);
  });

  it('takes no thousands of ids in one request, and repeated ids once', async () => {
    const many = Array.from({ length: 1_001 }, newAccount);
    const text = 'must have at most 1000 entries, has 1001';
    await refuses('create', { ...validCreate, memberIds: many }, `memberIds: ${text}`);
    await changesNothing(rest, thread, async () => {
      const body = { accountId: thread.administrator, accountIds: many };
      await refuses(`${thread.id}/member-ids/join`, body, `accountIds: ${text}`);
    });
    const [administrator, member] = many as [string, string];
    const created = await rest.post('/v1/threads/create', {
      ...validCreate,
      administratorIds: [administrator, administrator.toLowerCase()],
      memberIds: [member, member],
    });
    const repeated = { id: created.json.threadId as string, administrator, member };
    await eventually(async () => {
      const { administrators, members } = await viewOf(rest, repeated);
      assert.deepEqual([administrators.json.results, members.json.results], [[administrator], [member]]);
    });
  });

  it('names a bounded number of fields when thousands are wrong', async () => {
    const messages = Array.from({ length: 4_000 }, () => ({ toAccountIds: [], text: '' }));
    const body = { accountId: thread.member, messages };
    const answer = await rest.post(`/v1/threads/${thread.id}/messages/add`, body);
    assert.equal(answer.status, 400);
    const texts = answer.json.error_messages as string[];
    assert.ok(texts.includes('messages[0].text: must not be empty'));
    assert.match(texts.at(-1) ?? '', /and \d+ more/);
  });

  it('takes no times beyond the calendar', async () => {
    const range = 'createAt: must be from 0 to 253402300799999';
    for (const [createAt, text] of [
      ['-1', range],
      ['-99999999999999999999', range],
      ['253402300800000', range],
      ['1e300', range],
      ['0.5', 'createAt: must be a whole number'],
      ['"NaN"', 'createAt: must be a number'],
      ['"Infinity"', 'createAt: must be a number'],
      ['1e999', 'body: malformed JSON: Number exceeds the range of double.'],
      ['"today"', 'createAt: must be a number'],
    ] as const) {
      await refuses('create', JSON.stringify(validCreate).replace('"createAt":1', `"createAt":${createAt}`), text);
    }
  });

  it('takes no numbers for texts, and no texts for lists', async () => {
    await refuses('create', { ...validCreate, title: 5 }, 'title: must be a string');
    await refuses('create', { ...validCreate, remarks: { text: 'x' } }, 'remarks: must be a string');
    await refuses('create', { ...validCreate, memberIds: 'x' }, 'memberIds: must be a list of strings');
  });

  it('names every field of a wrong type, and what else is wrong', async () => {
    await refuses(
      'create',
      { accountId: true, title: 5, remarks: [], administratorIds: [5, null], memberIds: 'x', createAt: 'soon' },
      'accountId: must be a string',
      'createAt: must be a number',
      'title: must be a string',
      'remarks: must be a string',
      'administratorIds[0]: must be a string',
      'administratorIds[1]: must be a string',
      'memberIds: must be a list of strings',
    );
  });

  it('takes no malformed JSON, invalid UTF-8, other content types or oversized bodies', async () => {
    const malformed = await rest.post('/v1/threads/create', JSON.stringify(validCreate).slice(0, -1));
    assert.equal(malformed.status, 400);
    assert.match(malformed.json.error_messages[0] as string, /^body: malformed JSON: /);
    const text = JSON.stringify({ ...validCreate, title: '?' });
    const invalid = Buffer.from(text);
    invalid[invalid.indexOf('?')] = 0xff;
    await refuses('create', invalid, 'body: malformed JSON: Encountered non UTF-8 code points.');
    const form = await rest.post('/v1/threads/create', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' });
    assert.deepEqual([form.status, form.json.error_messages], [415, ['content-type: must be application/json']]);
    const large = await rest.post('/v1/threads/create', { ...validCreate, unknown: 'x'.repeat(4 * 1024 * 1024) });
    assert.deepEqual([large.status, large.json.error_messages], [413, ['body is too large']]);
  });

  it('names what is wrong with the parameters of a query', async () => {
    const all = await rest.get('/v1/threads/BAD/messages?account_id=%2A&offset=-1&limit=many');
    assert.equal(all.status, 400);
    assert.deepEqual((all.json.error_messages as string[]).map((message) => message.split(':')[0]).sort(), [
      'account_id',
      'limit',
      'offset',
      'thread_id',
    ]);
    const none = await rest.get('/v1/threads');
    assert.deepEqual([none.status, none.json.error_messages], [400, [`account_id: ${WRONG_LENGTH}`]]);
    const notUtf8 = await rest.get(`/v1/threads/${thread.id}?account_id=%ff`);
    assert.deepEqual([notUtf8.status, notUtf8.json.error_messages], [400, ['account_id: must be valid UTF-8']]);
  });

  it('made no thread of any bad create above', async () => {
    const marker = await rest.post('/v1/threads/create', { ...validCreate, title: 'marker' });
    assert.equal(marker.status, 200);
    await eventually(async () => {
      const { json } = await rest.get(`/v1/threads?account_id=${account}`);
      const titles = (json.results as { title: string }[]).map(({ title }) => title);
      assert.deepEqual(titles, ['marker']);
    });
  });
});
