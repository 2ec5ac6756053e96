import { sampleProcess, totalFds, type ProcessSample } from './process-sample.js';
import { longLivedParts, partNames, serviceParts, type PartName, type RollingMesh } from './rolling-mesh.js';
import type { Point } from './slope.js';

/** A process at a time. */
export interface TimedSample extends ProcessSample {
  readonly atMs: number;
  readonly pid: number;
}

/** What a service's heap held after a garbage collection. */
export interface TimedHeap {
  readonly atMs: number;
  readonly heapMib: number;
  readonly externalMib: number;
}

const SAMPLE_EVERY_MS = 5_000;
const HEAP_EVERY_MS = 15_000;
const MIB = 1024 * 1024;

/** Those that live long and whose heap can be looked into. */
export const longLivedServices = longLivedParts.filter((name) => (serviceParts as readonly string[]).includes(name));

/** Looks at all processes every five seconds, and at the heaps of those that live long every 15 s. */
export class Sampler {
  readonly samples = new Map<PartName, TimedSample[]>(partNames.map((name) => [name, []]));
  readonly heaps = new Map<PartName, TimedHeap[]>(longLivedServices.map((name) => [name, []]));
  readonly #timers: NodeJS.Timeout[];
  #heapReading: Promise<void> = Promise.resolve();

  /** @param startedAt what times are counted from, epoch milliseconds */
  constructor(
    private readonly rolling: RollingMesh,
    private readonly startedAt: number,
  ) {
    this.sampleProcesses();
    this.#timers = [
      setInterval(() => this.sampleProcesses(), SAMPLE_EVERY_MS),
      setInterval(() => void this.readHeaps(), HEAP_EVERY_MS),
    ];
  }

  stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    return this.#heapReading;
  }

  /** Between its restarts a process is not there. */
  sampleProcesses(): void {
    const atMs = Date.now() - this.startedAt;
    for (const [name, samples] of this.samples) {
      const { pid } = this.rolling.part(name);
      const sample = sampleProcess(pid);
      if (sample !== undefined) samples.push({ ...sample, atMs, pid });
    }
  }

  /** One after the other: a collection takes CPU that calls need too. One that is being restarted is left out. */
  readHeaps(): Promise<void> {
    return (this.#heapReading = this.#heapReading.then(async () => {
      for (const [name, heaps] of this.heaps) {
        const reading = await this.rolling
          .probe(name)
          .memory()
          .catch(() => undefined);
        if (reading === undefined) continue;
        const { heapUsed, external } = reading;
        const atMs = Date.now() - this.startedAt;
        heaps.push({ atMs, heapMib: heapUsed / MIB, externalMib: external / MIB });
      }
    }));
  }

  /** Open files of each process that lives long, by kind. */
  fdsNow(): Map<PartName, ProcessSample> {
    const found = new Map<PartName, ProcessSample>();
    for (const name of longLivedParts) {
      const sample = sampleProcess(this.rolling.part(name).pid);
      if (sample !== undefined) found.set(name, sample);
    }
    return found;
  }
}

/** Heap and buffers together, from a time on. */
export function heapPoints(heaps: readonly TimedHeap[], fromMs: number): Point[] {
  return heaps
    .filter(({ atMs }) => atMs >= fromMs)
    .map(({ atMs, heapMib, externalMib }) => ({ atMs, value: heapMib + externalMib }));
}

/** Resident memory, from a time on. */
export function rssPoints(samples: readonly TimedSample[], fromMs: number): Point[] {
  return samples.filter(({ atMs }) => atMs >= fromMs).map(({ atMs, rssMib }) => ({ atMs, value: rssMib }));
}

/** Open files, from a time on. */
export function fdPoints(samples: readonly TimedSample[], fromMs: number): Point[] {
  return samples.filter(({ atMs }) => atMs >= fromMs).map((sample) => ({ atMs: sample.atMs, value: totalFds(sample) }));
}
