import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { journalLayouts, openJournal } from '../../platform/nats/open-journal.js';
import { WriteProbe } from '../../platform/nats/write-probe.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { JournalUnavailable, VersionConflict } from '../../platform/journal/journal.js';
import { readAll, retryUntilAvailable, someCommit } from '../../platform/testing/journal-contract.js';
import { freePort } from '../servers/free-ports.js';
import { natsServer } from '../servers/nats-server.js';
import { mountSmallDisk, type SmallDisk } from '../servers/small-disk.js';
import type { ProcessComponent } from './component.js';
import { type RunningComponents, startComponents } from './start-components.js';

const logger = createLogger('test', 'silent');

describe('a disk of NATS that was full for a while', function () {
  this.timeout(120_000);
  let dataDir: string;
  let disk: SmallDisk;
  let running: RunningComponents | undefined;
  let link: NatsLink | undefined;
  const lines: string[] = [];

  beforeEach(async function () {
    const mounted = await mountSmallDisk(32);
    if (mounted === undefined) {
      console.log('      left out: this account may not mount a small file system (root may)');
      return this.skip();
    }
    disk = mounted;
    dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-full-'));
    lines.length = 0;
  });
  afterEach(async () => {
    await link?.close();
    await running?.stop();
    link = running = undefined;
    if (disk === undefined) return;
    await disk.remove();
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (servers: ProcessComponent['server'][]) => {
    const components = servers.map((server): ProcessComponent => {
      return { kind: 'process', name: server.name, dependsOn: [], server };
    });
    running = await startComponents(components, { dataDir, report: (name, line) => lines.push(`${name}: ${line}`) });
    const url = servers.map((server) => server.url).join(',');
    link = await NatsLink.open({ url, name: 'full-disk-test', logger, requestTimeoutMs: 1_000 });
    return link;
  };

  for (const layout of journalLayouts) {
    it(`ends for a single server with its restart, and nothing acknowledged is lost (${layout})`, async () => {
      const ports = { port: await freePort(), monitorPort: await freePort() };
      const to = await start([natsServer({ ...ports, dataDir: disk.path })]);
      const probe = new WriteProbe(to, { prefix: 'THREAD', logger, everyMs: 100, patienceMs: 500 });
      probe.start();
      const journal = openJournal(to, { prefix: 'THREAD', layout, buckets: 1 });
      const id = ulid();
      const acknowledged: string[] = [];
      const append = async (): Promise<void> => {
        const text = `${acknowledged.length}`;
        const events = [{ type: 'Big', schemaVersion: 1, data: Buffer.alloc(10_000) }];
        await journal.append(id, acknowledged.length, someCommit(text, { events }));
        acknowledged.push(someCommit(text).commandId);
      };
      await append();
      const isUnwritable = new Promise<void>((resolve) => probe.onChange((isWritable) => !isWritable && resolve()));
      disk.fill();
      await assert.rejects(async () => {
        for (;;) await append();
      }, JournalUnavailable);
      await isUnwritable;
      const nats = running?.processes.get('nats');
      assert.equal(nats?.restarts, 0, 'what is there can be read while the disk is full');
      assert.ok((await readAll(journal, id)).length >= acknowledged.length);

      disk.free();
      const stored = (await readAll(journal, id)).map(({ commandId }) => commandId);
      assert.deepEqual(stored.slice(0, acknowledged.length), acknowledged);
      await retryUntilAvailable(async () => {
        const { length } = await readAll(journal, id);
        if (length === stored.length) await journal.append(id, length, someCommit('after'));
      });
      while (!probe.isWritable) await sleep(50);
      probe.close();
      assert.equal(nats?.restarts, 1, lines.join('\n'));
      assert.match(lines.join('\n'), /nats: is in trouble: .*no space left[^]*only a restart ends that/);
      const now = (await readAll(journal, id)).map(({ commandId }) => commandId);
      assert.deepEqual(now, [...stored, someCommit('after').commandId]);
    });
  }

  it('ends for a node of a cluster with its restart; the others go on meanwhile', async () => {
    const routePorts = [await freePort(), await freePort(), await freePort()];
    const ports = async () => ({ port: await freePort(), monitorPort: await freePort() });
    const to = await start(
      await Promise.all(
        routePorts.map(async (_, index) => {
          const folder = index === 0 ? disk.path : join(dataDir, `node-${index}`);
          return natsServer({ ...(await ports()), dataDir: folder, cluster: { node: index + 1, routePorts } });
        }),
      ),
    );
    const journal = openJournal(to, { prefix: 'THREAD', layout: 'bucketed', buckets: 4, replicas: 3 });
    const id = ulid();
    const appendNext = async (): Promise<void> => {
      for (;;) {
        try {
          const version = (await readAll(journal, id)).length;
          return await journal.append(id, version, someCommit(`${version}`, { events: [big] }));
        } catch (error) {
          // A conflict is with its own append before, whose answer was lost.
          if (!(error instanceof JournalUnavailable || error instanceof VersionConflict)) throw error;
          await sleep(50);
        }
      }
    };
    const big = { type: 'Big', schemaVersion: 1, data: Buffer.alloc(10_000) };
    await appendNext();
    disk.fill();
    const nats = running?.processes.get('nats-1');
    assert.ok(nats);
    const first = nats.pid;
    while (!lines.some((line) => line.startsWith('nats-1: is in trouble'))) await appendNext();
    disk.free();
    while (nats.pid === first || nats.state !== 'RUNNING') await appendNext();
    // In step with the others again.
    await nats.waitHealthy();
    assert.equal(nats.restarts, 1, lines.join('\n'));
  });
});
