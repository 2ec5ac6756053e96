import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Above this share of a core a second is counted as busy: calls then wait for the generator itself. */
export const BUSY_CPU_SHARE = 0.85;
/** What is shorter says little of a share. */
const SHORTEST_INTERVAL_MS = 500;
const TIMER_RESOLUTION_MS = 10;

/** What a worker cost. */
export interface WorkerCost {
  readonly cpuMs: number;
  /** CPU in cores: 1 is one core all the time. More is possible, as collecting garbage has threads of its own. */
  readonly cpuShare: number;
  /** `cpuShare` of the busiest second. */
  readonly peakCpuShare: number;
  /** Seconds that were looked at, and those of them above `BUSY_CPU_SHARE`. */
  readonly seconds: number;
  readonly busySeconds: number;
  /** Share of the time that the event loop was busy. */
  readonly busy: number;
  /** How late timers were, in milliseconds. */
  readonly timersLateP99Ms: number;
}

/** Measures this process from its making on.*/
export class WorkerMeter {
  readonly #startedAt = performance.now();
  readonly #startCpu = process.cpuUsage();
  readonly #loop = performance.eventLoopUtilization();
  readonly #delay = monitorEventLoopDelay({ resolution: TIMER_RESOLUTION_MS });
  #lookedAt = this.#startedAt;
  #lookedCpu = this.#startCpu;
  #peak = 0;
  #seconds = 0;
  #busySeconds = 0;

  constructor() {
    this.#delay.enable();
  }

  /** To be called every second. */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < SHORTEST_INTERVAL_MS) return;
    const share = millisecondsOf(process.cpuUsage(this.#lookedCpu)) / (now - this.#lookedAt);
    this.#lookedAt = now;
    this.#lookedCpu = process.cpuUsage();
    this.#peak = Math.max(this.#peak, share);
    this.#seconds += 1;
    if (share > BUSY_CPU_SHARE) this.#busySeconds += 1;
  }

  /** The whole. Nothing is measured any more. */
  end(): WorkerCost {
    this.look();
    this.#delay.disable();
    const cpuMs = millisecondsOf(process.cpuUsage(this.#startCpu));
    const cpuShare = cpuMs / Math.max(1, performance.now() - this.#startedAt);
    return {
      cpuMs,
      cpuShare,
      peakCpuShare: Math.max(this.#peak, cpuShare),
      seconds: this.#seconds,
      busySeconds: this.#busySeconds,
      busy: performance.eventLoopUtilization(this.#loop).utilization,
      timersLateP99Ms: Math.max(0, this.#delay.percentile(99) / 1e6 - TIMER_RESOLUTION_MS),
    };
  }
}

function millisecondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}
