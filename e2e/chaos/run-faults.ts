import { setTimeout as sleep } from 'node:timers/promises';
import { uptime } from 'node:os';
import { identify } from '../../mesh/local/process-identity.js';
import type { ChaosMesh } from './chaos-mesh.js';
import type { Disturbance } from './outages.js';
import { describeFault, type Fault, type ScheduledFault } from './schedule.js';

export type FaultTargets = Pick<ChaosMesh, 'mesh' | 'doors' | 'disks' | 'startFurther' | 'shiftClock'>;

export interface FaultOptions {
  /** Told of each fault as it comes. */
  readonly onFault: (line: string) => void;
  /** Told of what it did to a process, once that is over. @default nobody */
  readonly onDisturbance?: ((disturbance: Disturbance) => void) | undefined;
  /**
   * A nats-server that runs for less time is neither killed nor filled up: what it forgets at a restart, it has only after minutes.
   * @default 0
   */
  readonly natsAgeMs?: number | undefined;
  /** Ends the schedule early. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** A process that is away longer is a violation of its own. */
const BACK_WITHIN_MS = 120_000;
const TICKS_PER_SECOND = 100;

/**
 * Lets a schedule happen, and ends once the last fault is over: nothing is paused, cut off or full any more, clocks are right, the further
 * instance has left, and what was killed is back.
 * @throws Error when a process does not come back, or the further instance does not start or leave
 */
export async function runFaults(
  schedule: readonly ScheduledFault[],
  targets: FaultTargets,
  { onFault, onDisturbance = () => undefined, natsAgeMs = 0, signal }: FaultOptions,
): Promise<void> {
  const startedAt = Date.now();
  const underWay: Promise<void>[] = [];
  for (const { atMs, fault } of schedule) {
    await sleep(startedAt + atMs - Date.now(), undefined, { signal }).catch(() => undefined);
    if (signal?.aborted) break;
    const obstacle = obstacleTo(fault, targets, natsAgeMs);
    onFault(`${describeFault(fault)}${obstacle === undefined ? '' : ` (left out: ${obstacle})`}`);
    if (obstacle === undefined) underWay.push(disturb(fault, targets, onDisturbance));
  }
  // All of them, so that nothing is left cut off when one fails.
  const outcomes = await Promise.allSettled(underWay);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function obstacleTo(fault: Fault, { mesh, disks }: FaultTargets, natsAgeMs: number): string | undefined {
  if (fault.kind === 'fillDisk' && !disks.has(fault.victim)) return 'its disk could not be mounted, which needs root';
  const isFatal = fault.kind === 'kill' || fault.kind === 'fillDisk';
  if (!isFatal || !fault.victim.startsWith('nats')) return undefined;
  const ageMs = ageMsOf(mesh.process(fault.victim).pid);
  return ageMs < natsAgeMs ? `it runs for ${(ageMs / 1_000).toFixed(0)} s only` : undefined;
}

function ageMsOf(pid: number): number {
  const startTicks = Number(identify(pid)?.startTime);
  return Number.isNaN(startTicks) ? 0 : (uptime() - startTicks / TICKS_PER_SECOND) * 1_000;
}

async function disturb(fault: Fault, targets: FaultTargets, onDisturbance: (it: Disturbance) => void): Promise<void> {
  const from = Date.now();
  await carryOut(fault, targets);
  if (!('victim' in fault) || fault.kind === 'jumpClock') return;
  // Killed, or ended by what its fault brought about.
  await targets.mesh.process(fault.victim).waitHealthy(BACK_WITHIN_MS);
  onDisturbance({ victim: fault.victim, from, until: Date.now() });
}

async function carryOut(fault: Fault, { mesh, doors, disks, startFurther, shiftClock }: FaultTargets): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      return mesh.process(fault.victim).kill('SIGKILL');
    case 'terminate':
      return mesh.process(fault.victim).kill('SIGTERM');
    case 'pause': {
      const { pid } = mesh.process(fault.victim);
      if (!signalTo(pid, 'SIGSTOP')) return;
      await sleep(fault.forMs);
      // The same process, if it still is: not the one that has taken its place meanwhile.
      signalTo(pid, 'SIGCONT');
      return;
    }
    case 'cut': {
      const door = doors[fault.victim];
      door.cut(fault.how);
      await sleep(fault.forMs);
      return door.heal();
    }
    case 'join': {
      const leave = await startFurther();
      await sleep(fault.forMs);
      return leave();
    }
    case 'fillDisk': {
      const disk = disks.get(fault.victim);
      disk?.fill();
      await sleep(fault.forMs);
      disk?.free();
      return untilDiskIsWritten(mesh.process(fault.victim));
    }
    case 'jumpClock':
      shiftClock(fault.victim, fault.byMs);
      await sleep(fault.forMs);
      return shiftClock(fault.victim, 0);
  }
}

/** A nats-server that has met the full disk is restarted by the mesh, which does so some seconds later. */
async function untilDiskIsWritten(nats: ReturnType<FaultTargets['mesh']['process']>): Promise<void> {
  const until = Date.now() + BACK_WITHIN_MS;
  while (Date.now() < until && (nats.state !== 'RUNNING' || (await nats.findTrouble()) !== undefined)) await sleep(100);
}

/** @returns false when there is no such process */
function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  // 0 would be this process and its group.
  if (pid === 0) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
