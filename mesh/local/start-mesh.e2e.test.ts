import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { identify } from './process-identity.js';
import { serviceNames } from '../services.js';
import { type MeshProcessName, type RunningMesh, startMesh } from './start-mesh.js';

const names: readonly MeshProcessName[] = ['nats', 'mysql', ...serviceNames, 'envoy'];

describe('the whole mesh', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;
  const lines: string[] = [];

  before(async () => {
    mesh = await startMesh({ report: (name, line) => lines.push(`${name}: ${line}`) });
  });

  after(() => mesh?.stop());

  it('comes up healthy, on free ports', async () => {
    assert.equal(mesh.state, 'RUNNING');
    await Promise.all(names.map((name) => mesh.process(name).waitHealthy()));
    const { status } = await fetch(`${mesh.url}/no/such/path`);
    assert.equal(status, 404);
  });

  for (const name of names) {
    it(`comes back healthy after kill -9 of ${name}`, async () => {
      const process = mesh.process(name);
      const { pid, restarts } = process;
      await process.kill('SIGKILL');
      await process.waitHealthy();
      assert.notEqual(process.pid, pid);
      assert.equal(process.restarts, restarts + 1);
      await Promise.all(names.map((other) => mesh.process(other).waitHealthy()));
    });
  }

  it('drains Envoy first, and leaves nothing behind', async () => {
    const pids = names.map((name) => mesh.process(name).pid);
    lines.length = 0;
    await mesh.stop();
    assert.equal(mesh.state, 'STOPPED');
    assert.deepEqual([lines[0], lines.length], ['envoy: stopped', names.length]);
    assert.deepEqual(
      pids.map((pid) => identify(pid)),
      pids.map(() => undefined),
    );
    assert.equal(existsSync(mesh.dataDir), false);
  });
});
