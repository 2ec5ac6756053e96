import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { startEnvoy } from '../mesh/envoy/testing/start-envoy.js';
import { projectRoot } from '../platform/process/project-root.js';
import { NatsLink } from '../platform/nats/nats-link.js';
import { isNotPermitted } from '../platform/nats/not-permitted.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { freePort } from '../mesh/servers/free-ports.js';
import { startServer } from '../mesh/servers/start-server.js';
import { natsUrl } from '../platform/composition/backend-settings.js';
import { natsServer } from '../mesh/servers/nats-server.js';
import { envoyBinary, natsServerBinary } from '../mesh/servers/tools.js';
import { generatedFolder, jwtFolder, kubernetesEnvoyConfig, MOUNT_PATH, smallDescriptorSet } from './render-envoy.js';
import { kubernetesMySqlAccounts, kubernetesNatsUsers, mySqlAccountsFile, natsUsersFile } from './render-accounts.js';
import { Overlay } from './testing/manifests.js';

const run = promisify(execFile);

/** What k8s/base/nats.yaml sets, with a password that nats-server would take for a number. */
const natsVariables = {
  POD_NAME: 'nats-0',
  NATS_PASSWORD: '"0123"',
  THREAD_COMMAND_PASSWORD: '"4567"',
  THREAD_QUERY_PASSWORD: '"0x1"',
  THREAD_PROJECTOR_PASSWORD: '"1e3"',
  NATS_ROUTE_PASSWORD: '"42"',
  NATS_ROUTE_0: '"nats://route:42@nats-0.nats:6222"',
  NATS_ROUTE_1: '"nats://route:42@nats-1.nats:6222"',
  NATS_ROUTE_2: '"nats://route:42@nats-2.nats:6222"',
};

describe('Configurations for Kubernetes', () => {
  let folder: string;
  let overlay: Overlay;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'threadweaver-k8s-'));
    overlay = await Overlay.render('minikube');
  });

  after(() => rm(folder, { recursive: true, force: true }));

  /** The files of a ConfigMap that a workload mounts, as kustomize has put them there. */
  const mounted = (workload: string, volume: string): Record<string, string | Buffer> => {
    const found = overlay.workloads.find(({ owner }) => owner.metadata.name === workload);
    const volumes = found?.pod.volumes as { name: string; configMap?: { name: string } }[] | undefined;
    const name = volumes?.find((each) => each.name === volume)?.configMap?.name ?? assert.fail(`no volume ${volume}`);
    const { data = {}, binaryData = {} } = overlay.get('ConfigMap', name);
    const binaries = Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')]);
    return { ...data, ...(Object.fromEntries(binaries) as Record<string, Buffer>) };
  };

  /** Beside the other file that it includes. */
  const writeNatsConfig = async (): Promise<string> => {
    const files = mounted('nats', 'config');
    await writeFile(join(folder, 'nats-users.conf'), String(files['nats-users.conf']));
    return String(files['nats-server.conf']);
  };

  it('hold the users and accounts of mesh/rights (else: npm run gen)', async () => {
    assert.equal(await readFile(natsUsersFile, 'utf8'), kubernetesNatsUsers());
    assert.equal(await readFile(mySqlAccountsFile, 'utf8'), kubernetesMySqlAccounts());
  });

  it('make of the accounts a script whose SQL names databases as they are', async () => {
    // Stands for MySQL's client: prints what it is given.
    await writeFile(join(folder, 'mysql'), '#!/bin/sh\ncat\n', { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, THREAD_QUERY_PASSWORD: 'a-b_1' };
    const { stdout } = await run('bash', [mySqlAccountsFile], { env });
    assert.ok(stdout.includes("ALTER USER 'thread_query'@'%' IDENTIFIED BY 'a-b_1';"), stdout);
    assert.ok(stdout.includes('ON `threadweaver\\_\\_rebuild`.* TO'), stdout);
  });

  it('hold the rendered configuration of mesh/envoy and the present API (else: npm run gen)', async () => {
    assert.equal(await readFile(join(generatedFolder, 'envoy.yaml'), 'utf8'), kubernetesEnvoyConfig());
    assert.equal(await readFile(join(jwtFolder, 'envoy.yaml'), 'utf8'), kubernetesEnvoyConfig('jwt'));
    const descriptors = await readFile(join(generatedFolder, 'descriptor.binpb'));
    assert.ok(descriptors.equals(smallDescriptorSet()));
    // `kubectl apply` keeps a copy of the whole object in an annotation, of 256 KiB at most.
    const bytes = Buffer.byteLength(kubernetesEnvoyConfig()) + (descriptors.length * 4) / 3;
    assert.ok(bytes < 200_000, `the ConfigMap has ${bytes} bytes`);
  });

  it('are valid to Envoy', async () => {
    const files = mounted('envoy', 'config');
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const path = join(folder, 'envoy.yaml');
    const config = await readFile(path, 'utf8');
    assert.ok(config.includes(`${MOUNT_PATH}/descriptor.binpb`));
    await writeFile(path, config.replaceAll(MOUNT_PATH, folder));
    const envoy = envoyBinary(process.env.ENVOY_BIN);
    const { stderr } = await run(envoy, ['--mode', 'validate', '-c', path]);
    assert.doesNotMatch(stderr, /deprecated|\[error\]|\[critical\]/i);

    await writeFile(path, config.replaceAll(MOUNT_PATH, folder).replace('lb_policy:', 'lb_polcy:'));
    await assert.rejects(run(envoy, ['--mode', 'validate', '-c', path]), /lb_polcy/);
  });

  it('are valid to nats-server, and promise the same as those of the local mesh', async () => {
    const text = await writeNatsConfig();
    const path = join(folder, 'nats-server.conf');
    await writeFile(path, text);
    const env = { ...process.env, ...natsVariables };
    await run(natsServerBinary(), ['-t', '--config', path], { env });
    await writeFile(path, text.replace('sync_interval', 'sink_interval'));
    await assert.rejects(run(natsServerBinary(), ['-t', '--config', path], { env }), /sink_interval/);

    const dataDir = join(folder, 'nats');
    const cluster = { node: 1, routePorts: [1, 2, 3], monitorPort: 4 };
    await natsServer({ port: 4222, dataDir, cluster }).prepare?.();
    const local = await readFile(join(dataDir, 'nats-server.conf'), 'utf8');
    for (const setting of [/^max_payload: \d+$/m, /^ +sync_interval: \w+$/m, /^ +name: \w+$/m]) {
      assert.equal(setting.exec(text)?.[0], setting.exec(local)?.[0], String(setting));
    }
  });

  it('let only those into NATS who know the password, and the others hear why', async () => {
    const text = await writeNatsConfig();
    const port = await freePort();
    const monitor = await freePort();
    const path = join(folder, 'one-node.conf');
    const alone = text.replace(/^cluster \{[^}]*\}[^}]*\}/m, '').replace(/^pid_file.*$/m, '');
    const here = alone.replace('0.0.0.0:4222', `127.0.0.1:${port}`).replace('0.0.0.0:8222', `127.0.0.1:${monitor}`);
    await writeFile(path, here.replace('/data', join(folder, 'data')));
    const url = `nats://127.0.0.1:${port}`;
    const server = await startServer({
      ...{ name: 'nats', url, port },
      command: () => ({ command: natsServerBinary(), args: ['--config', path], env: natsVariables }),
      checkHealth: async () => void (await fetch(`http://127.0.0.1:${monitor}/healthz`)),
    });
    try {
      const settings = (password: string, user = 'threadweaver') =>
        natsUrl.read({ NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password });
      const logger = createLogger('test', 'silent');
      const query = await NatsLink.open({ url: settings('0x1', 'thread-query'), name: 'query', logger });
      const asked = query.connection.request('$JS.API.STREAM.DELETE.THREAD_JOURNAL_0');
      await assert.rejects(asked, isNotPermitted);
      await query.close();
      const link = await NatsLink.open({ url: settings('0123'), name: 'friend', logger });
      assert.ok((await link.manager.getAccountInfo()).limits);
      await link.close();
      for (const wrong of [settings('1234'), url]) {
        // Goes on asking, as the password may become right: `node`, which this ends, would never.
        const script = `
          import { NatsLink } from './platform/nats/nats-link.ts';
          const onRefused = (message) => { console.log(message); process.exit(3); };
          await NatsLink.open({ url: process.argv[1], name: 'stranger', logger: { info() {} }, onRefused });`;
        const args = ['--import', 'tsx', '--input-type=module', '--eval', script, wrong];
        const { code, stdout } = (await run(process.execPath, args, { cwd: projectRoot }).catch(
          (error: { code: number; stdout: string }) => error as { code?: number; stdout: string },
        )) as { code?: number; stdout: string };
        assert.equal(code, 3);
        assert.match(stdout, /NATS does not let this process in: are NATS_USER and NATS_PASSWORD right/);
      }
    } finally {
      await server.stop();
    }
  });

  it('let Envoy say on /healthz whether it drains, without regard to the services', async () => {
    // Nothing listens at this port.
    const envoy = await startEnvoy(1);
    try {
      assert.equal((await fetch(`${envoy.url}/healthz`)).status, 200);
      await fetch(`http://127.0.0.1:${envoy.settings.adminPort}/healthcheck/fail`, { method: 'POST' });
      assert.equal((await fetch(`${envoy.url}/healthz`)).status, 503);
    } finally {
      await envoy.stop();
    }
  });

  it('make of compose.yaml the same mesh: images, ports and settings that there are', async () => {
    const compose = parse(await readFile(join(projectRoot, 'compose.yaml'), 'utf8'), { merge: true }) as {
      services: Record<string, { image: string }>;
    };
    const services = overlay.all('Deployment').map(({ metadata }) => metadata.name);
    for (const name of services) assert.ok(compose.services[name], `compose.yaml has no ${name}`);
    for (const [workload, name] of [
      ['nats', 'nats'],
      ['mysql', 'mysql'],
      ['envoy', 'envoy'],
    ] as const) {
      const pod = overlay.workloads.find(({ owner }) => owner.metadata.name === workload)?.pod;
      assert.equal(compose.services[name]?.image, pod?.containers[0].image);
    }
  });
});
