import type { HeapGrowth } from './heap-snapshot.js';
import { lastTwoThirds, slopePerHour, type Point } from './slope.js';

/*
 * What a run must show, decided before it. The limits are absolute: at some hundred calls a second, 20 MiB in an hour is
 * less than 30 bytes a call, so that whatever keeps one object for each call, commit or connection is found.
 */
export const limits = {
  /** Of heap and buffers after a garbage collection, over the last two thirds. */
  heapMibPerHour: 20,
  /** Growth below this is noise, however short the time in which it happened: what one collection leaves differs. */
  heapNoiseMib: 3,
  /** Of the resident memory of a process that is not Node: allocators give back late. */
  rssMibPerHour: 40,
  rssNoiseMib: 8,
  /** Between two quiet moments; pools of connections may fill meanwhile. */
  fds: 12,
  /** Of the objects of one constructor, between two heap snapshots. */
  constructorKib: 1_024,
} as const;

/** One question and its answer. */
export interface Judgement {
  readonly question: string;
  readonly limit: string;
  readonly measured: string;
  readonly isGood: boolean;
}

/** Whether nothing of a kind happened. */
export function judgeNone(question: string, count: number): Judgement {
  return { question, limit: '0', measured: String(count), isGood: count === 0 };
}

/** Whether memory, in MiB, stays as it is. */
export function judgeFlat(
  question: string,
  points: readonly Point[],
  { mibPerHour, noiseMib }: { readonly mibPerHour: number; readonly noiseMib: number },
): Judgement {
  const last = lastTwoThirds(points);
  const slope = slopePerHour(last);
  const hours = ((last.at(-1)?.atMs ?? 0) - (last[0]?.atMs ?? 0)) / 3_600_000;
  const growth = slope * hours;
  return {
    question,
    limit: `${mibPerHour} MiB/h, or ${noiseMib} MiB in all`,
    measured: `${slope.toFixed(1)} MiB/h, ${growth.toFixed(1)} MiB in ${(hours * 60).toFixed(1)} min`,
    isGood: last.length > 2 && (slope <= mibPerHour || growth <= noiseMib),
  };
}

/** Whether a count, such as that of open files, has not grown by more than so many. */
export function judgeCount(question: string, before: number, after: number, most: number): Judgement {
  return {
    question,
    limit: `+${most}`,
    measured: `${before} → ${after}`,
    isGood: after - before <= most,
  };
}

/** V8's own: compiled code, and the shapes of objects, which come with use and go with memory pressure. */
const ofTheEngine = new Set(['(code)', '(hidden)', '(object shape)', '(synthetic)']);

/** Whether there are no more objects of any constructor. */
export function judgeHeaps(question: string, growths: readonly HeapGrowth[]): Judgement {
  const [worst] = growths.filter(({ constructorName }) => !ofTheEngine.has(constructorName));
  const kib = (worst?.bytes ?? 0) / 1024;
  return {
    question,
    limit: `+${limits.constructorKib} KiB of any constructor`,
    measured:
      worst === undefined ? 'nothing' : `${kib < 0 ? '' : '+'}${kib.toFixed(0)} KiB of ${worst.constructorName}`,
    isGood: kib <= limits.constructorKib,
  };
}
