import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureKeyRing, KEY_RING_FILE } from '../../platform/identity/key-ring-file.js';
import { LOCAL_SETTINGS_FILE } from '../../platform/process/local-installation.js';
import { freePort } from '../servers/free-ports.js';
import { meshComponents } from './components.js';
import { makePrivate } from './data-dir.js';
import type { ServiceName } from '../services.js';
import { type MeshPorts, type MeshSettings, portSettings } from './mesh-settings.js';
import { keepEdgeCertificate } from './edge-certificate.js';
import { checkNatsShape, natsUrlOf } from './nats-components.js';
import { writeOperatorSettings } from './operator-settings.js';
import { openFilesWarning, readLimits } from './open-file-limit.js';
import { hasPasswordlessData, meshSecrets } from './secrets.js';
import { keepServiceTokens } from './service-tokens.js';
import { type MeshState, startComponents, type StartSettings } from './start-components.js';
import type { SupervisedProcess } from './supervised-process.js';

/** Names of the mesh's processes; further instances of a service have their number behind its name. */
export type MeshProcessName =
  'nats' | `nats-${1 | 2 | 3}` | 'mysql' | ServiceName | `${ServiceName}-${number}` | 'envoy' | 'prometheus';

/** What to start; everything has a default, made for tests. */
export interface MeshOptions extends Partial<Omit<MeshSettings, 'ports' | 'secrets'>>, Omit<StartSettings, 'dataDir'> {
  /** @default a free port for each that is not named */
  readonly ports?: Partial<MeshPorts>;
  /** @default a temporary folder that `stop` removes */
  readonly dataDir?: string;
}

/** A running mesh. */
export interface RunningMesh {
  readonly state: MeshState;
  readonly ports: MeshPorts;
  readonly dataDir: string;
  /** The address of NATS, or those of its nodes with commas between them. */
  readonly natsUrl: string;
  /** Envoy, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * The handle of one process: its pid, port and url, `kill(signal)`, `waitHealthy()`, `restarts`.
   * @throws Error when it is not one of the mesh's own
   */
  process(name: MeshProcessName): SupervisedProcess;
  /** Drains and ends everything in reverse order. May be called twice. */
  stop(): Promise<void>;
  /** Kills everything at once. */
  kill(): void;
}

/**
 * Starts the whole mesh and waits until all of it is healthy.
 * @throws MeshError when it does not come up; then nothing is left running
 */
export async function startMesh(options: MeshOptions = {}): Promise<RunningMesh> {
  const temporaryDir = options.dataDir ? undefined : await mkdtemp(join(tmpdir(), 'threadweaver-mesh-'));
  const dataDir = options.dataDir ?? temporaryDir ?? '';
  let stopTokens = (): void => undefined;
  let stopCertificate = (): void => undefined;
  const removeData = async () => {
    stopTokens();
    stopCertificate();
    if (temporaryDir !== undefined) await rm(temporaryDir, { recursive: true, force: true });
  };
  const ports = await withFreePorts(options.ports ?? {});
  const settings: Omit<MeshSettings, 'secrets'> = {
    listenHost: '127.0.0.1',
    envoyConcurrency: 1,
    showAllLogs: false,
    instances: 1,
    natsNodes: 1,
    ...options,
    ports,
    dataDir,
  };
  const warning = settings.natsUrl === undefined ? openFilesWarning(readLimits()) : undefined;
  if (warning !== undefined) options.report?.('nats', warning);
  try {
    checkNatsShape(settings);
    makePrivate(dataDir);
    const isOlder = hasPasswordlessData(dataDir);
    await ensureKeyRing(join(dataDir, KEY_RING_FILE));
    const whole: MeshSettings = { ...settings, secrets: meshSecrets(dataDir) };
    stopTokens = whole.auth === 'jwt' ? await keepServiceTokens(dataDir) : stopTokens;
    stopCertificate = await keepEdgeCertificate(dataDir, whole.certificateFiles, ({ message }) =>
      options.report?.('envoy', `${message}. It goes on with the certificate that it has`),
    );
    const components = await startComponents(meshComponents(whole), {
      ...options,
      dataDir,
      prepare: () => {
        writeOperatorSettings(whole);
        if (!isOlder) return;
        const what = `now want passwords, as a version before this one did not: ${join(dataDir, LOCAL_SETTINGS_FILE)} has them`;
        options.report?.('mesh', `NATS and MySQL ${what}`);
      },
    });
    return {
      get state() {
        return components.state;
      },
      ports,
      dataDir,
      natsUrl: natsUrlOf(whole),
      url: `http://127.0.0.1:${ports.envoy}`,
      process: (name) => {
        const process = components.processes.get(name);
        if (process === undefined) throw new Error(`this mesh has no process ${name}`);
        return process;
      },
      stop: async () => {
        await components.stop();
        await removeData();
      },
      kill: () => {
        stopTokens();
        stopCertificate();
        components.kill();
      },
    };
  } catch (error) {
    await removeData();
    throw error;
  }
}

async function withFreePorts(chosen: Partial<MeshPorts>): Promise<MeshPorts> {
  const ports: Partial<Record<keyof MeshPorts, number>> = { ...chosen };
  for (const name of Object.keys(portSettings) as (keyof MeshPorts)[]) ports[name] ??= await freePort();
  return ports as MeshPorts;
}
