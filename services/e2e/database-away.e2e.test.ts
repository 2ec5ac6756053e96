import assert from 'node:assert/strict';
import { startMesh, type RunningMesh } from '../../mesh/local/index.js';
import { checkReadModel, openThread, post } from './testing/command-load.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';

/** Before it is known that the database hangs: a statement's time-out, and what a busy machine adds. */
const AT_FIRST_MS = 5_000;
/** Once it is known. */
const QUICKLY_MS = 1_500;

describe('while the database is away', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  let rest: RestClient;

  before(async () => {
    mesh = await startMesh();
    rest = new RestClient(mesh.url);
  });
  after(() => mesh?.stop());

  it('commands go on, queries say 503 quickly, and afterwards everything is there', async () => {
    const written = await openThread(rest);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written));
    await mesh.process('mysql').kill('SIGSTOP');
    try {
      const query = `/v1/threads/${written.threadId}?account_id=${written.account}`;
      for (let round = 0; round < 10; round += 1) {
        await post(rest, written);
        const askedAt = Date.now();
        const { status, text } = await rest.get(query);
        assert.equal(status, 503, text);
        const tookMs = Date.now() - askedAt;
        assert.ok(tookMs < (round === 0 ? AT_FIRST_MS : QUICKLY_MS), `${tookMs} ms`);
      }
      assert.equal(written.acknowledged.size, 11);
    } finally {
      await mesh.process('mysql').kill('SIGCONT');
    }
    await eventually(() => checkReadModel(rest, written), 20_000);
  });
});
