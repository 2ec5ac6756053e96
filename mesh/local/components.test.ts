import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { meshComponents } from './components.js';
import { greeting } from './greeting.js';
import { type MeshPorts, type MeshSettings, portSettings } from './mesh-settings.js';
import { checkNatsShape } from './nats-components.js';
import { completedSecrets } from './secrets.js';

const defaults: MeshSettings = {
  ports: Object.fromEntries(Object.entries(portSettings).map(([name, { port }]) => [name, port])) as never as MeshPorts,
  dataDir: '/somewhere',
  listenHost: '127.0.0.1',
  instances: 1,
  natsNodes: 1,
  envoyConcurrency: 1,
  showAllLogs: false,
  secrets: completedSecrets({}),
};

/** Names and the ports that are checked before the start. */
function portsByName(settings: Partial<MeshSettings>): Map<string, number[]> {
  const components = meshComponents({ ...defaults, ...settings });
  return new Map(
    components.map((component) => [
      component.name,
      component.kind === 'process' ? (component.ports ?? []).map(({ port }) => port) : [],
    ]),
  );
}

describe('the parts of the mesh', () => {
  it('have ports and variables that do not clash', () => {
    const all = Object.values(portSettings);
    assert.equal(new Set(all.map(({ port }) => port)).size, all.length);
    assert.equal(new Set(all.map(({ variable }) => variable)).size, all.length);
  });

  it('are one of each by default', () => {
    assert.deepEqual(
      [...portsByName({}).keys()],
      [
        'nats',
        'mysql',
        'migrate',
        'migrate-accounts',
        'thread-command',
        'thread-query',
        'thread-projector',
        'account',
        'envoy',
      ],
    );
  });

  it('look at the health of NATS, on a port of its own', () => {
    assert.deepEqual(portsByName({}).get('nats'), [4222, 8222]);
  });

  it('are so many thread-command and two of each other service with --instances', () => {
    const ports = portsByName({ instances: 3 });
    assert.deepEqual(
      ['thread-command', 'thread-command-2', 'thread-command-3', 'thread-command-4'].map((name) => ports.get(name)),
      [[50_051, 50_054], [50_061, 50_064], [50_071, 50_074], undefined],
    );
    assert.deepEqual(
      ['thread-query', 'thread-query-2', 'thread-query-3', 'thread-projector', 'thread-projector-2'].map((name) =>
        ports.get(name),
      ),
      [[50_052], [50_062], undefined, [50_053], [50_063]],
    );
    assert.match(greeting({ ...defaults, instances: 3 }), /thread-command 50051 50061 50071, thread-query 50052 50062/);
  });

  it('serve metrics on a port each, in a row, when METRICS_PORT names the first', async () => {
    const metricsPorts = (settings: Partial<MeshSettings>) =>
      meshComponents({ ...defaults, ...settings }).flatMap((component) =>
        component.kind === 'process' && component.name.startsWith('thread-')
          ? [component.server.command().env?.METRICS_PORT]
          : [],
      );
    assert.deepEqual(metricsPorts({}), ['0', '0', '0'], 'not what the environment of the mesh says');
    assert.deepEqual(metricsPorts({ metricsPort: 9_464, instances: 2 }), [
      '9464',
      '9465',
      '9466',
      '9467',
      '9468',
      '9469',
    ]);
    assert.deepEqual(portsByName({ metricsPort: 9_464 }).get('thread-query'), [50_052, 9_465]);
  });

  it('are a NATS cluster with --nats-nodes 3, which services know of', () => {
    const ports = portsByName({ natsNodes: 3 });
    assert.equal(ports.has('nats'), false);
    assert.deepEqual(
      ['nats-1', 'nats-2', 'nats-3'].map((name) => ports.get(name)),
      [
        [4222, 6222, 8222],
        [4223, 6223, 8223],
        [4224, 6224, 8224],
      ],
    );
    const command = meshComponents({ ...defaults, natsNodes: 3 }).find(({ name }) => name === 'thread-command');
    assert.ok(command?.kind === 'process');
    const { NATS_URL, NATS_REPLICAS } = command.server.command().env ?? {};
    assert.deepEqual(
      [NATS_URL, NATS_REPLICAS],
      ['nats://127.0.0.1:4222,nats://127.0.0.1:4223,nats://127.0.0.1:4224', '3'],
    );
  });
});

describe('the state of another number of NATS nodes', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'threadweaver-shape-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('is refused by a cluster when a single node wrote it', () => {
    mkdirSync(join(dataDir, 'nats', 'jetstream'), { recursive: true });
    assert.throws(
      () => checkNatsShape({ ...defaults, dataDir, natsNodes: 3 }),
      /a single node.*Start without --nats-/s,
    );
    checkNatsShape({ ...defaults, dataDir });
  });

  it('is refused by a single node when a cluster wrote it', () => {
    mkdirSync(join(dataDir, 'nats-2', 'jetstream'), { recursive: true });
    assert.throws(() => checkNatsShape({ ...defaults, dataDir }), /three nodes.*Start with --nats-nodes 3/s);
    checkNatsShape({ ...defaults, dataDir, natsNodes: 3 });
  });

  it('is not looked at beside a NATS_URL, which a cluster of our own contradicts', () => {
    const natsUrl = 'nats://elsewhere:4222';
    mkdirSync(join(dataDir, 'nats-2', 'jetstream'), { recursive: true });
    checkNatsShape({ ...defaults, dataDir, natsUrl });
    assert.throws(() => checkNatsShape({ ...defaults, dataDir, natsUrl, natsNodes: 3 }), /leave one of them out/);
  });
});
