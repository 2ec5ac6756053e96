import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptorSetPath } from '../../../platform/grpc/descriptor-set.js';
import { freePort } from '../../servers/index.js';
import { startServer } from '../../servers/start-server.js';
import { envoyBinary } from '../../servers/tools.js';
import { type EnvoySettings, renderEnvoyConfig, upstreams } from '../render-config.js';

/** A real Envoy in front of a test's backend. */
export interface TestEnvoy {
  /** `127.0.0.1:port` of the main port. */
  readonly authority: string;
  /** The main port's URL. */
  readonly url: string;
  readonly settings: EnvoySettings;
  readonly pid: number;
  /** A counter or gauge of Envoy's, by its full name. */
  stat(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** Settings for an Envoy on free ports whose two services listen on `backendPort`. */
export async function testSettings(backendPort: number): Promise<EnvoySettings> {
  const backend = [{ host: '127.0.0.1', port: backendPort }];
  return {
    listenHost: '127.0.0.1',
    port: await freePort(),
    threadsPort: await freePort(),
    messengerPort: await freePort(),
    bookingPort: await freePort(),
    adminPort: await freePort(),
    upstreams: upstreams(() => backend),
    descriptorSetPath: descriptorSetPath(),
  };
}

/** Writes the rendered configuration into a temporary folder; `remove` takes it away again. */
export async function writeConfig(settings: EnvoySettings): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-envoy-'));
  const path = join(folder, 'envoy.yaml');
  await writeFile(path, renderEnvoyConfig(settings));
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Starts Envoy on free ports in front of a backend and waits until it takes calls. */
export async function startEnvoy(backendPort: number, overrides: Partial<EnvoySettings> = {}): Promise<TestEnvoy> {
  const settings = { ...(await testSettings(backendPort)), ...overrides };
  const config = await writeConfig(settings);
  const authority = `127.0.0.1:${settings.port}`;
  const admin = `http://127.0.0.1:${settings.adminPort}`;
  const server = await startServer(
    {
      name: 'envoy',
      url: `http://${authority}`,
      port: settings.port,
      command: () => ({
        command: envoyBinary(process.env.ENVOY_BIN),
        args: ['-c', config.path, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'],
      }),
      checkHealth: async () => {
        const response = await fetch(`${admin}/ready`, { signal: AbortSignal.timeout(1_000) });
        if (!response.ok) throw new Error(await response.text());
      },
    },
    config.remove,
  );
  return {
    authority,
    url: server.url,
    settings,
    pid: server.pid,
    stat: async (name) => {
      const response = await fetch(`${admin}/stats?filter=^${name.replaceAll('.', '\\.')}$`);
      return Number((await response.text()).split(': ')[1]);
    },
    stop: () => server.stop(),
  };
}
