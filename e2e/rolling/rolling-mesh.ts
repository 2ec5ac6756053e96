import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMesh, type MeshProcessName, type RunningMesh } from '../../mesh/local/index.js';
import { adminSocketOf, drainEnvoy, envoyComponent } from '../../mesh/local/envoy-component.js';
import { portSettings, type MeshPorts } from '../../mesh/local/mesh-settings.js';
import { startComponents, type RunningComponents } from '../../mesh/local/start-components.js';
import type { SupervisedProcess } from '../../mesh/local/supervised-process.js';
import { freePort } from '../../mesh/servers/index.js';
import { ProbeClient } from './probe-client.js';

/** Those that run our code, and whose heap can be looked into. */
export const serviceParts = [
  ...['thread-command', 'thread-query', 'thread-projector'],
  ...['thread-command-2', 'thread-query-2', 'thread-projector-2'],
] as const;
/**
 * Restarted in the first round only: from then on they live to the end, taking over from those that are restarted beside
 * them, and must hold no more memory and files at the end than at the beginning.
 */
export const longLivedParts = [
  ...(['thread-command-2', 'thread-query-2', 'thread-projector-2', 'nats-3', 'envoy-2'] as const),
] as const;
/** Restarted in every round, in this order. */
export const restartedParts = [
  ...(['thread-command', 'nats-1', 'thread-query', 'envoy', 'thread-projector', 'nats-2', 'mysql'] as const),
] as const;
export type PartName = (typeof longLivedParts)[number] | (typeof restartedParts)[number];
export const partNames: readonly PartName[] = [...longLivedParts, ...restartedParts];

/** Two of each service and Envoy, three NATS nodes, one MySQL. */
export interface RollingMesh {
  readonly mesh: RunningMesh;
  /** `host:port` of each Envoy. */
  readonly edges: readonly string[];
  part(name: PartName): SupervisedProcess;
  /** Of a service. */
  probe(name: PartName): ProbeClient;
  /**
   * Ends a part as an operator would, in good order, and waits until it is back and healthy.
   * @returns how long that took, and how much of it the part was away, both in milliseconds
   * @throws Error when that takes longer than two minutes
   */
  restart(name: PartName): Promise<{ readonly tookMs: number; readonly awayMs: number }>;
  stop(): Promise<void>;
}

const settings = {
  // As in a cluster (docs/journal.md).
  JOURNAL_LAYOUT: 'bucketed',
  // As the manifests have it: balancers see that an instance goes before it takes no more calls.
  DRAIN_NOTICE_MS: '5000',
  DRAIN_TIMEOUT_MS: '30000',
  // A line for each call, on the two cores that all of this shares, says nothing here.
  LOG_LEVEL: 'warn',
  // So that threads are unloaded within a quiet moment, and what then is left in memory is no thread.
  PASSIVATE_AFTER_MS: '15000',
};
const BACK_WITHIN_MS = 120_000;
const POLL_MS = 25;

/** @param dataDir for everything, logs included; it is not removed. Its path must be short: sockets lie in it. */
export async function startRollingMesh(dataDir: string): Promise<RollingMesh> {
  const sockets = join(dataDir, 'probes');
  mkdirSync(sockets, { recursive: true });
  const socketOf = (name: string): string => join(sockets, name);
  const mesh = await startMesh({
    dataDir: join(dataDir, 'mesh'),
    instances: 2,
    natsNodes: 3,
    serviceEnv: settings,
    envOf: (name) => ProbeClient.environment(socketOf(name)),
  });
  let second: RunningComponents | undefined;
  try {
    const ports = await secondEnvoyPorts(mesh.ports);
    const secondDir = join(dataDir, 'second-envoy');
    second = await startSecondEnvoy(secondDir, ports);
    return rollingMesh(mesh, second, { ports, dataDir: secondDir }, socketOf);
  } catch (error) {
    await second?.stop();
    await mesh.stop();
    throw error;
  }
}

function rollingMesh(
  mesh: RunningMesh,
  second: RunningComponents,
  secondEnvoy: Pick<RunningMesh, 'ports' | 'dataDir'>,
  socketOf: (name: string) => string,
): RollingMesh {
  const part = (name: PartName): SupervisedProcess => {
    if (name !== 'envoy-2') return mesh.process(name satisfies MeshProcessName);
    return second.processes.get(name) as SupervisedProcess;
  };
  return {
    mesh,
    part,
    edges: [mesh.ports.envoy, secondEnvoy.ports.envoy].map((port) => `127.0.0.1:${port}`),
    probe: (name) => new ProbeClient(socketOf(name)),
    restart: async (name) => {
      const process = part(name);
      const { pid } = process;
      const startedAt = performance.now();
      if (name.startsWith('envoy')) {
        await drainEnvoy(adminSocketOf((name === 'envoy' ? mesh : secondEnvoy).dataDir));
      }
      // nats-server's lame duck mode: it hands its leaders over, sends its clients away and ends by itself.
      await process.kill(name.startsWith('nats') ? 'SIGUSR2' : 'SIGTERM');
      await until(() => process.pid !== pid, name);
      const goneAt = performance.now();
      await until(() => process.pid !== 0, name);
      await process.waitHealthy(BACK_WITHIN_MS);
      const backAt = performance.now();
      return { tookMs: backAt - startedAt, awayMs: backAt - goneAt };
    },
    stop: async () => {
      await second.stop();
      await mesh.stop();
    },
  };
}

async function until(isSo: () => boolean, name: string): Promise<void> {
  const deadline = performance.now() + BACK_WITHIN_MS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`${name} was not restarted within ${BACK_WITHIN_MS / 1_000} s`);
    await sleep(POLL_MS);
  }
}

/** The services' ports are the first Envoy's, its own ones are others. */
async function secondEnvoyPorts(ports: MeshPorts): Promise<MeshPorts> {
  const own: Partial<Record<keyof MeshPorts, number>> = {};
  for (const name of ['envoy', 'threads', 'messenger', 'booking'] as const) own[name] = await freePort();
  return { ...ports, ...own };
}

async function startSecondEnvoy(dataDir: string, ports: MeshPorts): Promise<RunningComponents> {
  const component = envoyComponent(
    { ports, dataDir, listenHost: '127.0.0.1', instances: 2, natsNodes: 3, envoyConcurrency: 1, showAllLogs: false },
    (name, host) => ({
      port: ports[name],
      host,
      purpose: portSettings[name].purpose,
      variable: portSettings[name].variable,
    }),
    [],
  );
  return startComponents([{ ...component, name: 'envoy-2' }], { dataDir });
}
