import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second, whatever the kernel's tick (USER_HZ). */
const MICROSECONDS_PER_TICK = 10_000;

/**
 * CPU time that a process has taken so far, in user and in kernel mode, in microseconds; 0 when it is gone. In steps of
 * 10 ms: measure over seconds.
 */
function cpuMicrosOf(pid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return 0;
  }
  // The name, in brackets, may hold spaces: utime and stime are the 12th and 13th field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
}

/** Pids by what they are, such as `{ service: [17, 18], nats: [12] }`. */
export type Pids = Readonly<Record<string, readonly number[]>>;

/** CPU time of each group of processes, in microseconds. */
export function cpuMicrosOfGroups(pids: Pids): Record<string, number> {
  return Object.fromEntries(
    Object.entries(pids).map(([name, group]) => [name, group.reduce((sum, pid) => sum + cpuMicrosOf(pid), 0)]),
  );
}
