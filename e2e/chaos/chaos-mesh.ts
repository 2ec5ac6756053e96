import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startMesh, type RunningMesh } from '../../mesh/local/index.js';
import { checkGrpcHealth } from '../../mesh/local/grpc-health.js';
import type { JournalLayout } from '../../platform/nats/open-journal.js';
import { projectRoot } from '../../platform/process/project-root.js';
import { freePort, waitUntilHealthy } from '../../mesh/servers/index.js';
import { mountSmallDisk, type SmallDisk } from '../../mesh/servers/small-disk.js';
import { exitOf, spawnServer } from '../../mesh/servers/spawn-server.js';
import { NatsDoors } from './nats-doors.js';
import {
  cuttable,
  natsNames,
  services,
  type CuttableName,
  type NatsName,
  type ServiceProcessName,
} from './schedule.js';

/** What kind of mesh it is. */
export interface ChaosShape {
  readonly layout: JournalLayout;
  readonly natsNodes: 1 | 3;
}

/** A mesh of three thread-command and two of each other service, each of which can be cut off from NATS. */
export interface ChaosMesh {
  readonly shape: ChaosShape;
  readonly mesh: RunningMesh;
  readonly doors: Readonly<Record<CuttableName, NatsDoors>>;
  /** What each nats-server keeps its data on; empty where nothing may be mounted. */
  readonly disks: ReadonlyMap<NatsName, SmallDisk>;
  /** Where the further thread-command listens, whenever it runs. */
  readonly furtherAddress: string;
  /** Starts it and waits until it is healthy; what it gives ends it, and throws when that takes too long. */
  startFurther(): Promise<() => Promise<void>>;
  /** Sets a process's wall clock so many milliseconds forward (or back) of the right one. */
  shiftClock(name: ServiceProcessName, byMs: number): void;
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
/** Room for an hour of commits. */
const DISK_MIB = 768;

/** @param dataDir for everything, logs included; it is not removed, but what NATS kept in it may be gone */
export async function startChaosMesh(dataDir: string, shape: ChaosShape): Promise<ChaosMesh> {
  const natsPorts = await Promise.all(natsNames(shape.natsNodes).map(() => freePort()));
  const doors = Object.fromEntries(
    await Promise.all(cuttable.map(async (name) => [name, await NatsDoors.open(natsPorts)] as const)),
  ) as Record<CuttableName, NatsDoors>;
  const disks = new Map<NatsName, SmallDisk>();
  for (const name of natsNames(shape.natsNodes)) {
    const disk = await mountSmallDisk(DISK_MIB, join(dataDir, name));
    if (disk !== undefined) disks.set(name, disk);
  }
  const closeAll = async () => {
    await Promise.all(Object.values(doors).map((door) => door.close()));
    await Promise.all([...disks.values()].map((disk) => disk.remove()));
  };
  const clocks = join(dataDir, 'clocks');
  mkdirSync(clocks, { recursive: true });
  const clockFile = (name: string): string => join(clocks, name);
  const clockShift = pathToFileURL(join(projectRoot, 'dist/e2e/chaos/clock-shift.js')).href;
  const settings = { ...livelySettings, JOURNAL_LAYOUT: shape.layout };
  const [nats = 0, nats2, nats3] = natsPorts;
  const mesh = await startMesh({
    dataDir,
    instances: 3,
    natsNodes: shape.natsNodes,
    ports: { nats, ...(nats2 !== undefined && { nats2 }), ...(nats3 !== undefined && { nats3 }) },
    serviceEnv: settings,
    envOf: (name): Readonly<Record<string, string>> => {
      const door = (doors as Partial<Record<string, NatsDoors>>)[name];
      const clock = { NODE_OPTIONS: `--import=${clockShift}`, CLOCK_SHIFT_FILE: clockFile(name) };
      return { ...clock, ...(door !== undefined && { NATS_URL: door.url }) };
    },
  }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  const furtherPort = await freePort();
  const furtherAddress = `127.0.0.1:${furtherPort}`;
  let leave: (() => Promise<void>) | undefined;

  const startFurther = async (): Promise<() => Promise<void>> => {
    const env = {
      ...settings,
      ...{ NATS_URL: mesh.natsUrl, GRPC_HOST: '127.0.0.1', GRPC_PORT: String(furtherPort) },
      NATS_REPLICAS: String(shape.natsNodes),
    };
    const args = ['--enable-source-maps', join(projectRoot, 'dist/services/thread/command/main.js')];
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
    shape,
    mesh,
    doors,
    disks,
    furtherAddress,
    startFurther,
    shiftClock: (name, byMs) => writeFileSync(clockFile(name), String(byMs)),
    stop: async () => {
      for (const door of Object.values(doors)) door.heal();
      for (const disk of disks.values()) disk.free();
      for (const name of services) writeFileSync(clockFile(name), '0');
      await leave?.().catch(() => undefined);
      await mesh.stop();
      await closeAll();
    },
  };
}
