import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { spawnServer } from '../mesh/servers/spawn-server.js';
import type { RunningMesh } from '../mesh/local/index.js';
import { projectRoot } from '../platform/process/project-root.js';
import { resultOf } from '../platform/testing/command-process.js';
import { eventually } from './testing/eventually.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

/** A line of `npm run logs -- --json`. */
interface Line {
  readonly process: string;
  readonly path?: string;
  readonly status?: number;
  readonly traceparent?: string;
  readonly trace_id?: string;
  readonly thread_id?: string;
}

describe('One request id', function () {
  this.timeout(60_000);
  let mesh: RunningMesh;
  before(async () => {
    mesh = await sharedMesh();
  });

  const logs = (...options: string[]) =>
    spawnServer(
      {
        command: process.execPath,
        args: [`${projectRoot}/dist/mesh/local/logs/main.js`, '--json', ...options],
        env: { DATA_DIR: mesh.dataDir },
      },
      'pipe',
    );

  async function linesOf(...options: string[]): Promise<Line[]> {
    const { stdout } = await resultOf(logs(...options));
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
  }

  async function createThread(headers: Record<string, string>): Promise<string> {
    const accountId = newAccount();
    const body = { accountId, title: 't', administratorIds: [accountId], memberIds: [], createAt: 10_000 };
    const answer = await new RestClient(mesh.url).post('/v1/threads/create', body, headers);
    assert.equal(answer.status, 200);
    return accountId;
  }

  it('finds the log lines of a command in every process that it went through, in order, with one trace', async () => {
    const requestId = randomUUID();
    const traceId = requestId.replaceAll('-', '');
    const accountId = await createThread({ 'x-request-id': requestId });
    // Envoy writes its log every second.
    await eventually(async () => {
      const lines = await linesOf('--request', requestId);
      assert.deepEqual(
        lines.map(({ process }) => process),
        ['envoy', 'thread-command', 'thread-projector'],
      );
      const [edge, ...services] = lines;
      assert.deepEqual([edge?.path, edge?.status], ['/v1/threads/create', 200]);
      assert.ok(edge?.traceparent?.includes(traceId));
      for (const line of services) assert.equal(line.trace_id, traceId);
      const threadId = lines[1]?.thread_id ?? '';
      for (const wanted of [
        ['--trace', traceId],
        ['--thread', threadId],
        ['--account', accountId],
      ]) {
        // prettier-ignore
        assert.deepEqual(await linesOf(...wanted), lines, wanted.join(' '));
      }
    }, 15_000);
  });

  it('follows it', async () => {
    const requestId = randomUUID();
    const following = logs('--request', requestId, '--follow');
    try {
      const seen = new Set<string>();
      const all = new Promise<void>((resolve) => {
        createInterface({ input: following.stdout! }).on('line', (line) => {
          seen.add((JSON.parse(line) as Line).process);
          if (seen.size === 3) resolve();
        });
      });
      await createThread({ 'x-request-id': requestId });
      await all;
      assert.deepEqual([...seen].toSorted(), ['envoy', 'thread-command', 'thread-projector']);
    } finally {
      following.kill();
    }
  });
});
