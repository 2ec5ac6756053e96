import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningMesh } from '../mesh/local/index.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

describe('One request id', function () {
  this.timeout(60_000);
  let mesh: RunningMesh;
  before(async () => {
    mesh = await sharedMesh();
  });

  /** The lines of a process's log that hold a text, each a JSON object. */
  async function linesWith(text: string, process: string): Promise<Record<string, unknown>[]> {
    const log = await readFile(join(mesh.dataDir, 'logs', `${process}.log`), 'utf8');
    const lines = log.split('\n').filter((line) => line.includes(text));
    assert.ok(lines.length > 0, `${process} logs nothing about it`);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('finds the log lines of a command in every process that it went through, with one trace', async () => {
    const requestId = randomUUID();
    const accountId = newAccount();
    const body = { accountId, title: 't', administratorIds: [accountId], memberIds: [], createAt: 10_000 };
    const answer = await new RestClient(mesh.url).post('/v1/threads/create', body, { 'x-request-id': requestId });
    assert.equal(answer.status, 200);
    const traceId = requestId.replaceAll('-', '');
    // Envoy writes its log every ten seconds, unless told otherwise.
    await eventually(async () => {
      const [edge] = await linesWith(requestId, 'envoy');
      assert.equal(edge?.path, '/v1/threads/create');
      assert.equal(edge.status, 200);
      assert.ok(String(edge.traceparent).includes(traceId));
      for (const process of ['thread-command', 'thread-projector']) {
        const [line] = await linesWith(requestId, process);
        assert.ok(JSON.stringify(line).includes(traceId), `${process} logs another trace`);
      }
    }, 15_000);
  });
});
