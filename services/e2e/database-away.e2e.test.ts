import assert from 'node:assert/strict';
import { startMesh, type RunningMesh } from '../../mesh/local/index.js';
import { checkReadModel, openThread, post } from './testing/command-load.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';

describe('while the database is away', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let rest: RestClient;

  before(async () => {
    mesh = await startMesh();
    rest = new RestClient(mesh.url);
  });
  after(() => mesh?.stop());

  it('commands go on, queries say 503, and afterwards everything is there', async () => {
    const written = await openThread(rest);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written));
    await mesh.process('mysql').kill('SIGSTOP');
    try {
      const query = `/v1/threads/${written.threadId}?account_id=${written.account}`;
      for (let round = 0; round < 10; round += 1) {
        await post(rest, written);
        const { status, text } = await rest.get(query);
        assert.equal(status, 503, text);
      }
      assert.equal(written.acknowledged.size, 11);
    } finally {
      await mesh.process('mysql').kill('SIGCONT');
    }
    await eventually(() => checkReadModel(rest, written), 20_000);
  });
});
