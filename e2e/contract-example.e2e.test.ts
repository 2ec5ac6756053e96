import assert from 'node:assert/strict';
import { RestClient } from './testing/rest-client.js';
import { eventually } from './testing/eventually.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

describe("The contract's example", function () {
  this.timeout(60_000);
  let ports: Record<string, number>;
  before(async () => {
    const mesh = await sharedMesh();
    ports = { main: mesh.ports.envoy, 'thread system’s': mesh.ports.threads };
  });

  for (const name of ['main', 'thread system’s']) {
    it(`answers as printed through the ${name} port`, async () => {
      const rest = new RestClient(`http://127.0.0.1:${ports[name]}`);
      const created = await rest.post(
        '/v1/threads/create',
        '{"accountId":"01DB5QXD4NP0XQTV92K42B3XBF","title":"string","remarks":"string",' +
          '"administratorIds":["01DB5QXD4NP0XQTV92K42B3XBF"],"memberIds":["01DB5QXD4NP0XQTV92K42B3XBF"],"createAt":10000}',
      );
      assert.equal(created.status, 200);
      const { threadId } = created.json as { threadId: string };
      assert.match(threadId, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      assert.equal(created.text, `{"threadId":"${threadId}","thread_id":"${threadId}","error_messages":[]}`);
      const got = await eventually(async () => {
        const answer = await rest.get(`/v1/threads/${threadId}?account_id=01DB5QXD4NP0XQTV92K42B3XBF`);
        assert.equal(answer.status, 200);
        return answer;
      });
      assert.equal(
        got.text,
        `{"result":{"id":"${threadId}","creatorId":"01DB5QXD4NP0XQTV92K42B3XBF","parentThreadId":null,` +
          '"title":"string","remarks":"string","createdAt":10000,"updatedAt":10000},"error_messages":[]}',
      );
    });
  }

  it("serves the older load test's users", async () => {
    const rest = new RestClient(`http://127.0.0.1:${ports.main}`);
    const user = async () => {
      const accountId = newAccount();
      const ids = [accountId];
      const body = { accountId, title: 't', administratorIds: ids, memberIds: ids, createAt: Date.now() };
      const { threadId } = (await rest.post('/v1/threads/create', body)).json as { threadId: string };
      const got = await eventually(async () => {
        const answer = await rest.get(`/v1/threads/${threadId}?account_id=${accountId}`);
        assert.equal(answer.status, 200);
        return answer;
      });
      assert.equal(got.json.result.id, threadId);
    };
    await Promise.all(Array.from({ length: 20 }, user));
  });
});
