import type { MeshProcessName } from '../../mesh/local/index.js';
import type { Operation } from './history.js';
import type { Violation } from './check-history.js';
import { natsNames, owners } from './schedule.js';

/** A time, epoch milliseconds. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** What a fault did to a process: from when it came until the process was well again. */
export interface Disturbance extends Span {
  readonly victim: MeshProcessName;
}

/** So long a thread may be without an answer, in milliseconds. */
const LONGEST_SILENCE_MS = 15_000;

/**
 * The times in which nobody can answer: NATS has no quorum (its one server, or two of three, are disturbed), or each of the three
 * thread-command is. In order, none overlaps another.
 * @param others further ones. @default none
 */
export function outagesOf(
  disturbances: readonly Disturbance[],
  natsNodes: 1 | 3,
  others: readonly Span[] = [],
): Span[] {
  const groups = [
    { names: natsNames(natsNodes) as readonly string[], fatal: natsNodes === 1 ? 1 : 2 },
    { names: owners as readonly string[], fatal: owners.length },
  ];
  return merged([...others, ...groups.flatMap(({ names, fatal }) => spansWithAtLeast(fatal, names, disturbances))]);
}

function spansWithAtLeast(count: number, names: readonly string[], disturbances: readonly Disturbance[]): Span[] {
  const edges = disturbances.filter(({ victim }) => names.includes(victim)).flatMap(({ from, until }) => [from, until]);
  const times = [...new Set(edges)].sort((one, other) => one - other);
  return times.flatMap((from, index) => {
    const until = times[index + 1];
    if (until === undefined) return [];
    const victims = disturbances.filter((each) => each.from <= from && each.until >= until).map(({ victim }) => victim);
    return new Set(victims.filter((victim) => names.includes(victim))).size >= count ? [{ from, until }] : [];
  });
}

function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { from, until } of [...spans].sort((one, other) => one.from - other.from)) {
    const last = result.at(-1);
    if (last === undefined || from > last.until) result.push({ from, until });
    else result[result.length - 1] = { from: last.from, until: Math.max(last.until, until) };
  }
  return result;
}

/** How long a thread was without an answer. */
export interface Silence extends Span {
  readonly threadId: string;
  /** Of that, since the last outage within it ended. */
  readonly countedMs: number;
}

/**
 * The longest time of each thread in which somebody waited for an answer of it and nobody got one. Time counts from the end of the last
 * outage that overlaps it.
 */
export function longestSilences(operations: readonly Operation[], outages: readonly Span[]): Silence[] {
  const byThread = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.threadId === undefined) continue;
    const those = byThread.get(operation.threadId);
    if (those === undefined) byThread.set(operation.threadId, [operation]);
    else those.push(operation);
  }
  return [...byThread].flatMap(([threadId, those]) => {
    const silences = silencesOf(those).map((span) => ({ threadId, ...span, countedMs: countedMs(span, outages) }));
    const [longest] = silences.sort((one, other) => other.countedMs - one.countedMs);
    return longest === undefined ? [] : [longest];
  });
}

/** Each wait of an operation, up to its end, cut where another operation was answered. */
function silencesOf(operations: readonly Operation[]): Span[] {
  const answers = operations
    .filter(({ outcome }) => outcome.kind === 'acknowledged' || outcome.kind === 'rejected')
    .map(({ completedAt }) => completedAt)
    .sort((one, other) => one - other);
  return operations.flatMap(({ invokedAt, completedAt }) => {
    // Most are answered at once.
    if (completedAt - invokedAt < LONGEST_SILENCE_MS / 10) return [{ from: invokedAt, until: completedAt }];
    const cuts = [invokedAt, ...answers.filter((at) => at > invokedAt && at < completedAt), completedAt];
    return cuts.slice(1).map((until, index) => ({ from: cuts[index] ?? until, until }));
  });
}

function countedMs({ from, until }: Span, outages: readonly Span[]): number {
  const last = outages.findLast((outage) => outage.from < until && outage.until > from);
  return last === undefined ? until - from : Math.max(0, until - Math.max(from, last.until));
}

/** Threads that were unanswered for too long. */
export function checkSilences(operations: readonly Operation[], outages: readonly Span[]): Violation[] {
  return longestSilences(operations, outages)
    .filter((silence) => silence.countedMs > LONGEST_SILENCE_MS)
    .map(({ threadId, from, until, countedMs }) => ({
      kind: 'UNANSWERED',
      threadId,
      detail: `${countedMs} ms without an answer, from ${timeOf(from)} to ${timeOf(until)}`,
    }));
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}
