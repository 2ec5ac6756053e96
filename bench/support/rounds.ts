import { setTimeout as delay } from 'node:timers/promises';
import { endProgress, showProgress } from '../table.js';
import { cpuMicrosOfGroups, type Pids } from './cpu-time.js';
import type { Row, Verdict } from './line.js';
import type { LoadDriver } from './load-driver.js';
import type { RoundOrder, RoundReport } from './load.js';

/** One of those that are compared. The load of that name must be open at the driver. */
export interface Contestant {
  readonly name: string;
  /** Whose CPU an operation costs. `service` is what is compared; `driver` is added. */
  readonly pids: Pids;
  /** @default the comparison's */
  readonly order?: Partial<RoundOrder>;
}

/** What was measured in one round. */
export interface Round extends RoundReport {
  readonly perSecond: number;
  /** Microseconds of CPU an operation, by group of processes. */
  readonly cpu: Readonly<Record<string, number>>;
}

export interface Comparison {
  readonly name: string;
  readonly rounds: readonly Round[];
}

export interface CompareOptions extends RoundOrder {
  /** That count, behind one that warms up. */
  readonly rounds: number;
  /** For the progress line. */
  readonly title: string;
}

/** What is left to do after the last answer, such as the feed's copies, gets so long to be charged to its round. */
const SETTLE_MS = 150;

/**
 * Measures the contestants in turn, round by round (A B C, A B C, …), so that a neighbour's noise meets all of them. The
 * first round of each warms up and is dropped.
 * @throws Error when operations failed: then nothing was compared
 */
export async function compareInTurns(
  driver: LoadDriver,
  contestants: readonly Contestant[],
  { rounds, title, ...order }: CompareOptions,
): Promise<Comparison[]> {
  const measured = contestants.map(({ name }) => ({ name, rounds: [] as Round[] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      showProgress(`${title}: round ${round} of ${rounds}: ${contestant.name}`);
      const result = await measureRound(driver, contestant, { ...order, ...contestant.order });
      if (round > 0) measured[index]?.rounds.push(result);
    }
  }
  endProgress();
  return measured;
}

async function measureRound(driver: LoadDriver, { name, pids }: Contestant, order: RoundOrder): Promise<Round> {
  const groups = { ...pids, driver: [driver.pid] };
  const before = cpuMicrosOfGroups(groups);
  const report = await driver.round(name, order);
  if (report.failed > 0) throw new Error(`${name}: ${report.failed} calls failed, the first: ${report.firstError}`);
  await delay(SETTLE_MS);
  const after = cpuMicrosOfGroups(groups);
  const cpu = Object.fromEntries(
    Object.entries(after).map(([group, micros]) => [group, (micros - (before[group] ?? 0)) / report.count]),
  );
  return { ...report, perSecond: (1_000 * report.count) / report.elapsedMs, cpu };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Median over the rounds of the ratio to the reference's neighbouring round. */
function pairedRatio(subject: Comparison, reference: Comparison, valueOf: (round: Round) => number): number {
  const ratios = subject.rounds.map((round, index) => {
    const other = reference.rounds[index];
    return other === undefined ? NaN : valueOf(round) / valueOf(other);
  });
  return median(ratios);
}

/** The ratio of the medians. */
export function ratioOf(subject: Comparison, reference: Comparison, valueOf: (round: Round) => number): number {
  return median(subject.rounds.map(valueOf)) / median(reference.rounds.map(valueOf));
}

export const perSecond = (round: Round): number => round.perSecond;
const serviceCpu = (round: Round): number => round.cpu.service ?? 0;

/** Rows for the table: the reference first, each beside it. Zero CPU is left out. */
export function comparisonRows(comparisons: readonly Comparison[], reference = comparisons[0]): Row[] {
  if (reference === undefined) return [];
  const groups = [...new Set(comparisons.flatMap(({ rounds }) => Object.keys(rounds[0]?.cpu ?? {})))];
  return comparisons.map((subject) => {
    const rates = subject.rounds.map(perSecond);
    const isReference = subject === reference;
    return {
      'operations/s': isReference ? `${subject.name} (reference)` : subject.name,
      min: Math.round(Math.min(...rates)),
      median: Math.round(median(rates)),
      max: Math.round(Math.max(...rates)),
      'of reference': ratioOf(subject, reference, perSecond),
      'by pairs': pairedRatio(subject, reference, perSecond),
      ...Object.fromEntries(
        groups.map((group) => [
          group === 'service' ? 'CPU µs/op: service' : group,
          Math.round(median(subject.rounds.map(({ cpu }) => cpu[group] ?? 0))) || '',
        ]),
      ),
      'service CPU of reference': ratioOf(subject, reference, serviceCpu),
      'p50 ms': median(subject.rounds.map(({ p50 }) => p50)),
      'p99 ms': median(subject.rounds.map(({ p99 }) => p99)),
    };
  });
}

/**
 * The verdicts on one subject beside its reference. Ratios are of medians.
 * @param what such as "AddMessages, per-thread"
 */
export function verdictsOn(
  what: string,
  subject: Comparison | undefined,
  reference: Comparison | undefined,
  { atLeast, atMostCpu }: { readonly atLeast?: number; readonly atMostCpu?: number },
): Verdict[] {
  if (subject === undefined || reference === undefined) throw new Error(`${what} was not measured`);
  return [
    ...(atLeast === undefined
      ? []
      : [
          { what, measure: `throughput ÷ ${reference.name}`, atLeast, reached: ratioOf(subject, reference, perSecond) },
        ]),
    ...(atMostCpu === undefined
      ? []
      : [
          {
            what,
            measure: `service's CPU per operation ÷ ${reference.name}`,
            atMost: atMostCpu,
            reached: ratioOf(subject, reference, serviceCpu),
          },
        ]),
  ];
}
