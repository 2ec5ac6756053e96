import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { RunningMesh } from '../mesh/local/index.js';
import { serviceNames } from '../mesh/services.js';
import { sharedMesh } from './testing/shared-mesh.js';

interface Listener {
  readonly address: string;
  readonly port: number;
}

/** What nobody but this machine reaches: 127.0.0.0/8, ::1, and 127.0.0.0/8 as IPv6 has it. */
const loopback = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;

/** The TCP sockets on which processes listen, out of /proc. */
function listenersOf(pids: readonly number[]): Listener[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
      .map(([, local = '']) => {
        const [hex = '', port = ''] = local.split(':');
        return { address: addressOf(hex), port: Number.parseInt(port, 16) };
      }),
  );
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((file) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${file}`))?.[1] ?? [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** Words of 32 bits, each in the order of a little-endian machine. */
function addressOf(hex: string): string {
  const bytes = [...Buffer.from(hex, 'hex')];
  const ordered = Array.from({ length: bytes.length / 4 }, (_, word) =>
    bytes.slice(4 * word, 4 * word + 4).reverse(),
  ).flat();
  if (ordered.length === 4) return ordered.join('.');
  if (ordered.every((byte, index) => byte === (index === 15 ? 1 : 0))) return '::1';
  if (ordered.every((byte) => byte === 0)) return '::';
  const isMapped = ordered.slice(0, 10).every((byte) => byte === 0) && ordered[10] === 255 && ordered[11] === 255;
  return isMapped ? `::ffff:${ordered.slice(12).join('.')}` : Buffer.from(ordered).toString('hex');
}

/** All processes below this one. */
function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const];
      } catch {
        return [];
      }
    });
  const below = (parent: number): number[] =>
    parents.filter(([, its]) => its === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

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
