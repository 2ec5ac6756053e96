import { mkdirSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { startMesh, type RunningMesh } from '../../../mesh/local/index.js';
import { checkGrpcHealth } from '../../../mesh/local/grpc-health.js';
import { projectRoot } from '../../shared/adapters/project-root.js';
import { freePort } from '../../shared/testing/servers/free-ports.js';
import { exitOf, spawnServer } from '../../shared/testing/servers/spawn-server.js';
import { waitUntilHealthy } from '../../shared/testing/servers/wait-until-healthy.js';
import { CutProxy } from './cut-proxy.js';
import { cuttable, type CuttableName } from './schedule.js';

/** A mesh of three thread-command and two of each other service, each of which can be cut off from NATS. */
export interface ChaosMesh {
  readonly mesh: RunningMesh;
  readonly proxies: Readonly<Record<CuttableName, CutProxy>>;
  /** Where the further thread-command listens, whenever it runs. */
  readonly furtherAddress: string;
  /** Starts it and waits until it is healthy; what it gives ends it, and throws when that takes too long. */
  startFurther(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** So that much happens within a minute that otherwise takes hours; and every commit is logged. */
const livelySettings = {
  LOG_LEVEL: 'debug',
  PASSIVATE_AFTER_MS: '2000',
  SNAPSHOT_EVERY_COMMITS: '25',
};
/** A graceful stop may take as long as the service's own limit, and some. */
const LEAVE_TIMEOUT_MS = 20_000;

/** @param dataDir for everything, logs included; it is not removed */
export async function startChaosMesh(dataDir: string): Promise<ChaosMesh> {
  const natsPort = await freePort();
  const proxies = Object.fromEntries(
    await Promise.all(cuttable.map(async (name) => [name, await CutProxy.start(natsPort)] as const)),
  ) as Record<CuttableName, CutProxy>;
  const closeProxies = () => Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  const mesh = await startMesh({
    dataDir,
    instances: 3,
    ports: { nats: natsPort },
    serviceEnv: livelySettings,
    envOf: (name): Readonly<Record<string, string>> => {
      const proxy = (proxies as Partial<Record<string, CutProxy>>)[name];
      return proxy === undefined ? {} : { NATS_URL: `nats://127.0.0.1:${proxy.port}` };
    },
  }).catch(async (error: unknown) => {
    await closeProxies();
    throw error;
  });
  const furtherPort = await freePort();
  const furtherAddress = `127.0.0.1:${furtherPort}`;
  let leave: (() => Promise<void>) | undefined;

  const startFurther = async (): Promise<() => Promise<void>> => {
    const env = {
      ...livelySettings,
      ...{ NATS_URL: mesh.natsUrl, GRPC_HOST: '127.0.0.1', GRPC_PORT: String(furtherPort) },
    };
    const args = ['--enable-source-maps', join(projectRoot, 'dist/services/thread-command/main.js')];
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    const log = openSync(join(dataDir, 'logs', 'thread-command-further.log'), 'a');
    const child = spawnServer({ command: process.execPath, args, env }, log);
    closeSync(log);
    const end = async (): Promise<void> => {
      leave = undefined;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), LEAVE_TIMEOUT_MS);
      const exit = await exitOf(child);
      clearTimeout(timer);
      if (exit === 'SIGKILL') throw new Error('the further thread-command did not leave');
    };
    leave = end;
    await waitUntilHealthy('the further thread-command', () => checkGrpcHealth(furtherAddress), { timeoutMs: 60_000 });
    return end;
  };

  return {
    mesh,
    proxies,
    furtherAddress,
    startFurther,
    stop: async () => {
      for (const proxy of Object.values(proxies)) proxy.heal();
      await leave?.().catch(() => undefined);
      await mesh.stop();
      await closeProxies();
    },
  };
}
