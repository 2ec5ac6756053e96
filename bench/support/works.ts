import { setTimeout as delay } from 'node:timers/promises';
import { endProgress, showProgress } from '../table.js';
import { cpuMicrosOfGroups, type Pids } from './cpu-time.js';
import type { Row } from './line.js';
import { median } from './rounds.js';

/** One go of a piece of work. */
export interface WorkSample {
  readonly ms: number;
  /** Units that were worked off. */
  readonly count: number;
  /** Microseconds of CPU a unit, by group of processes. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** A piece of work that was measured some times. */
export interface Work {
  readonly name: string;
  readonly samples: readonly WorkSample[];
}

export interface WorksOptions {
  /** For the progress line. */
  readonly title: string;
  /** That count, behind one that warms up. */
  readonly rounds: number;
  /** Units that each works off. */
  readonly count: number;
  readonly pids: Pids;
  /** By name, the reference first. */
  readonly works: Readonly<Record<string, () => Promise<void>>>;
}

/** Measures pieces of work of this process in turn, round by round, so that a neighbour's noise meets all of them. */
export async function measureInTurns({ title, rounds, count, pids, works }: WorksOptions): Promise<Work[]> {
  const measured = Object.keys(works).map((name) => ({ name, samples: [] as WorkSample[] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, [name, work]] of Object.entries(works).entries()) {
      showProgress(`${title}: round ${round} of ${rounds}: ${name}`);
      const sample = await measureWork(work, count, pids);
      if (round > 0) measured[index]?.samples.push(sample);
      // What servers and the garbage collector have left to do is not the next one's.
      await delay(50);
    }
  }
  endProgress();
  return measured;
}

/** One go. */
export async function measureWork(work: () => Promise<void>, count: number, pids: Pids): Promise<WorkSample> {
  const before = cpuMicrosOfGroups(pids);
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const after = cpuMicrosOfGroups(pids);
  const cpu = Object.fromEntries(
    Object.entries(after).map(([group, micros]) => [group, (micros - (before[group] ?? 0)) / count]),
  );
  return { ms, count, cpu };
}

export const unitsPerSecond = ({ count, ms }: WorkSample): number => (1_000 * count) / ms;

/** Rows for the table, the first one as the reference. @param units such as "rows" */
export function workRows(works: readonly Work[], units: string): Row[] {
  const [reference] = works;
  if (reference === undefined) return [];
  const referenceRate = median(reference.samples.map(unitsPerSecond));
  return works.map(({ name, samples }) => {
    const rates = samples.map(unitsPerSecond);
    const groups = Object.keys(samples[0]?.cpu ?? {});
    return {
      [`${units}/s`]: name === reference.name ? `${name} (reference)` : name,
      min: Math.round(Math.min(...rates)),
      median: Math.round(median(rates)),
      max: Math.round(Math.max(...rates)),
      'of reference': median(rates) / referenceRate,
      // Means: the kernel counts in steps of 10 ms, which is much of one round.
      ...Object.fromEntries(
        groups.map((group) => [
          `CPU µs a ${units.slice(0, -1)}: ${group}`,
          samples.reduce((sum, { cpu }) => sum + (cpu[group] ?? 0), 0) / samples.length,
        ]),
      ),
      'ms, median': median(samples.map(({ ms }) => ms)),
    };
  });
}
