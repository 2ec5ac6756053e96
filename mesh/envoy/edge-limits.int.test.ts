import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { CannedServices } from './testing/canned-services.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const MOST = 100;
const MIB = 1024 * 1024;

describe("Envoy's limits for one address", function () {
  this.timeout(60_000);
  let canned: CannedServices;
  let envoy: TestEnvoy;
  const sockets = new Set<Socket>();

  before(async () => {
    canned = await CannedServices.start();
    envoy = await startEnvoy(canned.port, {
      maxConnectionsPerAddress: MOST,
      maxUnansweredBytesPerAddress: 40 * MIB,
      maxHeapBytes: 200 * MIB,
    });
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  });
  after(async () => {
    await envoy?.stop();
    canned?.stop();
  });

  async function open(localAddress: string): Promise<Socket> {
    const socket = connect({ port: envoy.settings.port, host: '127.0.0.1', localAddress });
    // Whoever is refused while it writes hears of a reset.
    socket.on('error', () => undefined);
    socket.resume();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    await once(socket, 'connect');
    return socket;
  }

  /** A well-behaved client at an address of its own, on a new connection. @returns the status */
  function post(localAddress: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const agent = new Agent({ keepAlive: false });
      const target = { host: '127.0.0.1', port: envoy.settings.port, path: '/v1/threads/create', method: 'POST' };
      request({ ...target, headers, agent, localAddress }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end('{}');
    });
  }

  it('close what it opens beyond them, and leave others theirs', async () => {
    for (let count = 0; count < MOST; count += 1) await open('127.0.0.2');
    for (let count = 0; count < 5; count += 1) {
      const more = await open('127.0.0.2');
      if (!more.destroyed) await once(more, 'close');
    }
    assert.equal(sockets.size, MOST);
    assert.equal(await post('127.0.0.3'), 200);
    // What is closed makes room.
    [...sockets][0]?.destroy();
    while ((await post('127.0.0.2').catch(() => undefined)) !== 200)
      await new Promise((resolve) => setImmediate(resolve));
  });

  it('keep unfinished bodies from taking the memory that others need', async () => {
    const head = 'POST /v1/threads/create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    const body = Buffer.alloc(4 * MIB - 1, ' ');
    let refused = 0;
    // 320 MiB.
    for (let count = 0; count < 80; count += 1) {
      const socket = await open('127.0.0.2');
      socket.on('close', () => (refused += 1));
      socket.write(`${head}content-length: ${4 * MIB}\r\n\r\n`);
      socket.write(body);
      assert.equal(await post('127.0.0.3'), 200, `after ${count} bodies`);
    }
    assert.ok(refused > 0);
  });

  it('keep those of HTTP/2 from it, too', async () => {
    const body = Buffer.alloc(4 * MIB - 1, ' ');
    const sessions = [1, 2, 3].map(() => connectHttp2(envoy.url));
    try {
      for (const session of sessions) session.on('error', () => undefined);
      for (let count = 0; count < 80; count += 1) {
        const headers = { ':method': 'POST', ':path': '/v1/threads/create', 'content-type': 'application/json' };
        const stream = sessions[count % 3]?.request(headers);
        stream?.on('error', () => undefined).write(body);
        assert.equal(await post('127.0.0.3'), 200, `after ${count} bodies`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      for (const session of sessions) session.destroy();
    }
  });
});
