import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { startMesh, type RunningMesh } from '../mesh/local/index.js';
import { projectRoot } from '../platform/process/project-root.js';
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

  it('and when it was dropped, the log names the command that mends it, after which everything is there', async () => {
    const written = await openThread(rest);
    await post(rest, written);
    await eventually(() => checkReadModel(rest, written));
    const { url } = mesh.process('mysql');
    const connection = await createConnection({ uri: url });
    await connection.query(`DROP DATABASE \`${new URL(url).pathname.slice(1)}\``);
    await connection.end();
    await post(rest, written);
    const log = join(mesh.dataDir, 'logs', 'thread-projector.log');
    await eventually(
      async () => assert.match(await readFile(log, 'utf8'), /npm run admin -- <context> projection migrate/),
      20_000,
    );
    const { scripts } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const command = ['-c', String(scripts.migrate)];
    const env = { ...process.env, MYSQL_URL: url };
    await promisify(execFile)('sh', command, { cwd: projectRoot, env });
    await eventually(() => checkReadModel(rest, written), 60_000);
  });
});
