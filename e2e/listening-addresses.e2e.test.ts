import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { RunningMesh } from '../mesh/local/index.js';
import { serviceNames } from '../mesh/services.js';
import { descendantsOf, listenersOf, loopback } from './testing/listening-sockets.js';
import { sharedMesh } from './testing/shared-mesh.js';

describe('the addresses on which the mesh listens', function () {
  this.timeout(120_000);
  let mesh: RunningMesh;

  before(async function () {
    if (process.platform !== 'linux') this.skip();
    mesh = await sharedMesh();
  });

  it('are loopback for all of its processes, whichever they are', () => {
    const listeners = listenersOf(descendantsOf(process.pid));
    assert.deepEqual(
      listeners.filter(({ address }) => !loopback.test(address)),
      [],
    );
    // They were looked at: what is known to listen is among them.
    const ports = new Set(listeners.map(({ port }) => port));
    const { envoy, threads, messenger, booking, nats, natsMonitor1, mySql, threadCommandAdmin } = mesh.ports;
    const known = [envoy, threads, messenger, booking, nats, natsMonitor1, mySql, threadCommandAdmin];
    for (const name of serviceNames) known.push(mesh.process(name).port);
    for (const port of known) assert.ok(ports.has(port), `nobody is seen to listen at ${port}`);
  });

  it('would be found if they were others', async () => {
    for (const host of ['0.0.0.0', '::']) {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen({ host, port: 0, ipv6Only: true }, resolve));
      const { port } = server.address() as { port: number };
      const found = listenersOf([process.pid]).find((each) => each.port === port);
      await new Promise((resolve) => server.close(resolve));
      assert.deepEqual(found, { address: host, port });
      assert.ok(!loopback.test(host));
    }
  });
});
