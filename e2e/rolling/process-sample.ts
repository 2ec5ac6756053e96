import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What Linux tells of a process; memory in MiB. */
export interface ProcessSample {
  readonly rssMib: number;
  readonly threads: number;
  /** Open file descriptors by kind. */
  readonly fds: Readonly<Record<FdKind, number>>;
  /** CPU that it has used since it began, seconds. */
  readonly cpuSeconds: number;
}

export type FdKind = 'socket' | 'file' | 'pipe' | 'other';

/** Of `sysconf(_SC_CLK_TCK)`, which is 100 wherever Node runs on Linux. */
const TICKS_IN_SECOND = 100;

/** @returns undefined when there is no such process, or none any more */
export function sampleProcess(pid: number): ProcessSample | undefined {
  if (pid === 0) return undefined;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    // The name, in brackets, may have spaces in it. utime and stime are fields 14 and 15 (proc(5)).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const ticks = Number(stat[11]) + Number(stat[12]);
    return {
      rssMib: field('VmRSS') / 1_024,
      threads: field('Threads'),
      fds: countFds(pid),
      cpuSeconds: ticks / TICKS_IN_SECOND,
    };
  } catch {
    return undefined;
  }
}

export function totalFds({ fds }: Pick<ProcessSample, 'fds'>): number {
  return Object.values(fds).reduce((sum, count) => sum + count, 0);
}

function countFds(pid: number): Record<FdKind, number> {
  const counts = { socket: 0, file: 0, pipe: 0, other: 0 };
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(pid, fd);
    if (kind !== undefined) counts[kind] += 1;
  }
  return counts;
}

/** Undefined when it was closed meanwhile. */
function kindOf(pid: number, fd: string): FdKind | undefined {
  try {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (target.startsWith('socket:')) return 'socket';
    if (target.startsWith('pipe:')) return 'pipe';
    return target.startsWith('/') ? 'file' : 'other';
  } catch {
    return undefined;
  }
}
