import type { GeneratorCost } from '../engine/load-result.js';
import { BUSY_CPU_SHARE } from '../engine/worker-meter.js';
import { formatDuration } from '../quantities.js';

/** A worker was busy in so great a part of its seconds, and in two at least: start-up alone is no finding. */
const BUSY_PART = 0.1;
const LEAST_BUSY_SECONDS = 2;
/** Timers that are so late say that the workers lack processor time. */
const LATE_TIMERS_MS = 20;

/** What making the load cost, in words. */
export function generatorCells({
  cpuMicrosPerRequest,
  busiestCpu,
  busiest,
  timersLateP99Ms,
  workers,
}: GeneratorCost): [name: string, value: string][] {
  const peak = Math.max(0, ...workers.map(({ peakCpuShare }) => peakCpuShare));
  return [
    ['CPU a request', `${Math.round(cpuMicrosPerRequest)} µs`],
    ['busiest worker', `${percent(busiestCpu)} of a core (${percent(peak)} in its busiest second)`],
    ['its event loop', `busy ${percent(busiest)}`],
    ['timers late (p99)', `${timersLateP99Ms.toFixed(1)} ms`],
  ];
}

/** Why latencies may be the generator's own; none when there is no reason to think so. */
export function generatorWarnings({ workers, timersLateP99Ms }: GeneratorCost): string[] {
  const warnings: string[] = [];
  const busy = workers.filter(
    ({ cpuShare, seconds, busySeconds }) =>
      (seconds > 0 && cpuShare > BUSY_CPU_SHARE) || busySeconds >= Math.max(LEAST_BUSY_SECONDS, seconds * BUSY_PART),
  );
  if (busy.length > 0) {
    const most = Math.max(...busy.map(({ busySeconds }) => busySeconds));
    warnings.push(
      `${busy.length} of ${workers.length} workers used more than ${percent(BUSY_CPU_SHARE)} of a core (in up to ${most} seconds): ` +
        'latencies may be their own. Add --workers, or machines.',
    );
  }
  if (timersLateP99Ms > LATE_TIMERS_MS) {
    warnings.push(
      `timers were ${formatDuration(timersLateP99Ms)} late (p99), as latencies are then: the workers lack processor time.`,
    );
  }
  return warnings;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
