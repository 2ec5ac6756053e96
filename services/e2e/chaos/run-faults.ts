import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningMesh } from '../../../mesh/local/index.js';
import type { CutProxy } from './cut-proxy.js';
import { describeFault, type CuttableName, type Fault, type ScheduledFault } from './schedule.js';

export interface FaultTargets {
  readonly mesh: RunningMesh;
  readonly proxies: Readonly<Record<CuttableName, CutProxy>>;
  /** Starts a further thread-command; what it gives ends it in good order. */
  startFurther(): Promise<() => Promise<void>>;
}

export interface FaultOptions {
  /** Told of each fault as it comes. */
  readonly onFault: (line: string) => void;
  /** Ends the schedule early. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lets a schedule happen, and ends once the last fault is over: nothing is paused or cut off any more, the further
 * instance has left. What was killed may not be back yet.
 * @throws Error when the further instance does not start or leave
 */
export async function runFaults(
  schedule: readonly ScheduledFault[],
  targets: FaultTargets,
  { onFault, signal }: FaultOptions,
): Promise<void> {
  const startedAt = Date.now();
  const underWay: Promise<void>[] = [];
  for (const { atMs, fault } of schedule) {
    await sleep(startedAt + atMs - Date.now(), undefined, { signal }).catch(() => undefined);
    if (signal?.aborted) break;
    onFault(describeFault(fault));
    underWay.push(carryOut(fault, targets));
  }
  await Promise.all(underWay);
}

async function carryOut(fault: Fault, { mesh, proxies, startFurther }: FaultTargets): Promise<void> {
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
      const proxy = proxies[fault.victim];
      proxy.cut(fault.how);
      await sleep(fault.forMs);
      return proxy.heal();
    }
    case 'join': {
      const leave = await startFurther();
      await sleep(fault.forMs);
      return leave();
    }
  }
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
