import type { Measured } from '../scaling/measured.js';
import { median } from '../support/rounds.js';
import { costsOf, type Costs } from './costs.js';

/** What is assumed of the people who use it. */
export interface Workload {
  readonly threads: number;
  readonly messagesPerThread: number;
  /** Share of the threads in which somebody posts on a day. */
  readonly activeShare: number;
  /** Posts on a day in each of those. */
  readonly postsPerActiveThread: number;
  /** The busiest second against the day's mean. */
  readonly peakFactor: number;
}

/** What one installation may be made of. */
export interface Limits {
  /** No part is planned to be busier. */
  readonly utilisation: number;
  /** Memory of a nats-server for subjects, and of it a third stays free. */
  readonly natsMib: number;
  /** So long may a nats-server take to come back. */
  readonly natsRestartS: number;
  /** Appends that a cluster does in a second: what one nats-server did here, flushing each (performance.md). */
  readonly natsPerSecond: number;
  /** Subjects that a server lists in one answer (nats-server's JSMaxSubjectDetails). */
  readonly subjectsPerBucket: number;
  readonly replicas: number;
  /** Of one MySQL server. */
  readonly mysqlTib: number;
  /** RECONCILE_THREADS_PER_SECOND. */
  readonly comparedPerSecond: number;
  /** PASSIVATE_AFTER_MS, in seconds. */
  readonly passivateAfterS: number;
  readonly processMib: number;
}

export const defaultWorkload: Omit<Workload, 'threads'> = {
  messagesPerThread: 50,
  activeShare: 0.2,
  postsPerActiveThread: 20,
  peakFactor: 4,
};

export const defaultLimits: Limits = {
  utilisation: 0.7,
  natsMib: 32 * 1_024,
  natsRestartS: 60,
  natsPerSecond: 5_876,
  subjectsPerBucket: 100_000,
  replicas: 3,
  mysqlTib: 2,
  comparedPerSecond: 5_000,
  passivateAfterS: 60,
  processMib: 512,
};

/** What a workload needs. Counts are rounded up. */
export interface Needs {
  readonly threads: number;
  readonly peakPostsPerSecond: number;
  readonly commits: number;
  readonly natsClusters: number;
  /** In each cluster. */
  readonly buckets: number;
  /** Of each nats-server. */
  readonly natsGib: number;
  readonly natsRestartS: number;
  /** Of all copies. */
  readonly journalTib: number;
  readonly commandInstances: number;
  readonly partitions: number;
  readonly loadedThreads: number;
  readonly loadedGib: number;
  readonly loadMs: number;
  readonly feedMinutes: number;
  readonly projectors: number;
  readonly mysqlRows: number;
  readonly mysqlTib: number;
  readonly mysqlShards: number;
  readonly comparisonHours: number;
  readonly rebuildHours: number;
}

/** Ids of messages are remembered for so long, in seconds (a stream's duplicate window). */
const DUPLICATE_WINDOW_S = 120;
/** Bytes of an entry in that: the id, of some 90 characters, twice referred to, a sequence and a time; an estimate. */
const DUPLICATE_BYTES = 250;
/** Of a file block of a stream that holds many subjects. */
const BLOCK_BYTES = 8 * 2 ** 20;
const FEED_BYTES = 256 * 2 ** 20;
const DAY_S = 86_400;
/** The creator and two members. */
const PARTICIPANTS = 3;
/** A partition is the smallest piece that moves: so many for each instance keep them even. */
const PARTITIONS_PER_INSTANCE = 8;

/** The smallest installation that keeps within the limits. */
export function needsOf(workload: Workload, measured: Measured, limits: Limits = defaultLimits): Needs {
  const costs = costsOf(measured);
  const { threads, messagesPerThread, activeShare, postsPerActiveThread, peakFactor } = workload;
  const peak = (threads * activeShare * postsPerActiveThread * peakFactor) / DAY_S;
  const commits = threads * (1 + messagesPerThread);
  const capacity = capacityOf(measured) * limits.utilisation;

  const commandInstances = Math.max(2, Math.ceil(peak / capacity));
  const natsMibOf = (clusters: number): number =>
    costs.natsBaseMib +
    ((threads / clusters) * costs.natsBytesPerThread + (peak / clusters) * DUPLICATE_WINDOW_S * DUPLICATE_BYTES) /
      2 ** 20;
  const restartOf = (clusters: number): number =>
    costs.natsRestartBaseS + (threads / clusters) * costs.natsRestartSPerThread;
  let natsClusters = 1;
  while (
    natsMibOf(natsClusters) > (limits.natsMib * 2) / 3 ||
    restartOf(natsClusters) > limits.natsRestartS ||
    peak / natsClusters > limits.natsPerSecond * limits.utilisation
  ) {
    natsClusters += 1;
  }
  const buckets = Math.max(16, powerOfTwo(threads / natsClusters / limits.subjectsPerBucket));
  const loadedThreads = Math.min(threads * activeShare, peak * limits.passivateAfterS);
  const mysqlBytes =
    threads * costs.mysqlBytesPerThread + threads * Math.max(0, messagesPerThread - 1) * costs.mysqlBytesPerMessage;
  return {
    threads,
    peakPostsPerSecond: peak,
    commits,
    natsClusters,
    buckets,
    natsGib: natsMibOf(natsClusters) / 1_024,
    natsRestartS: restartOf(natsClusters),
    journalTib: (commits * costs.journalBytesPerCommit * limits.replicas) / 2 ** 40,
    commandInstances,
    partitions: Math.max(64, powerOfTwo(commandInstances * PARTITIONS_PER_INSTANCE)),
    loadedThreads,
    loadedGib: (loadedThreads * heapOf(measured, messagesPerThread)) / 2 ** 30,
    loadMs: loadMsOf(measured, costs, {
      commits: 1 + messagesPerThread,
      activePerBucket: (threads * activeShare) / natsClusters / buckets,
    }),
    feedMinutes: FEED_BYTES / (peak * costs.journalBytesPerCommit) / 60,
    projectors: Math.max(2, Math.ceil(peak / (projectedPerSecond(costs) * limits.utilisation))),
    mysqlRows: threads * (1 + PARTICIPANTS + messagesPerThread),
    mysqlTib: mysqlBytes / 2 ** 40,
    mysqlShards: Math.ceil(mysqlBytes / 2 ** 40 / limits.mysqlTib),
    comparisonHours: threads / limits.comparedPerSecond / 3_600,
    rebuildHours:
      (threads * costs.rebuildSPerThread + threads * Math.max(0, messagesPerThread - 1) * costs.rebuildSPerMessage) /
      3_600,
  };
}

/**
 * Posts a second of one thread-command process, with its nats-server and the client on the same machine: the median of the
 * bucketed installations with at least 100 threads.
 */
export function capacityOf({ sizes }: Pick<Measured, 'sizes'>): number {
  return median(
    sizes
      .filter(({ layout, threads, commits }) => layout === 'bucketed' && threads >= 100 && commits === 2)
      .map(({ postsPerSecond }) => postsPerSecond),
  );
}

/** Commits that the journal gives and MySQL takes, a second: what a rebuild of short threads shows. */
function projectedPerSecond({ rebuildSPerThread }: Costs): number {
  return 2 / rebuildSPerThread;
}

/** Heap of a loaded thread, between the measured ones in proportion. */
function heapOf({ histories }: Pick<Measured, 'histories'>, messages: number): number {
  const known = histories
    .filter(({ layout, between }) => layout === 'bucketed' && between < 500)
    .sort((a, b) => a.messages - b.messages);
  const above = known.find((one) => one.messages >= messages) ?? known.at(-1);
  const below = known.filter((one) => one.messages < messages).at(-1) ?? above;
  if (above === undefined || below === undefined) throw new Error('no histories were measured');
  if (above === below) return above.heapBytes;
  const share = (messages - below.messages) / (above.messages - below.messages);
  return below.heapBytes + share * (above.heapBytes - below.heapBytes);
}

/**
 * Loading reads a block of the stream's files for each group of commits that lie in the same one: with many active threads
 * in a bucket each commit is in a block of its own.
 */
function loadMsOf(
  { histories }: Pick<Measured, 'histories'>,
  { journalBytesPerCommit }: Costs,
  { commits, activePerBucket }: { readonly commits: number; readonly activePerBucket: number },
): number {
  const spread = histories.find(({ between }) => between >= 500);
  const dense = histories.find(
    ({ layout, messages, between }) => layout === 'bucketed' && between < 500 && messages === spread?.messages,
  );
  if (spread === undefined || dense === undefined) throw new Error('no spread histories were measured');
  const blocksOf = (count: number, between: number): number =>
    Math.min(count, 1 + (count * (1 + between) * journalBytesPerCommit) / BLOCK_BYTES);
  const perBlock = Math.max(
    0,
    (spread.loadMs - dense.loadMs) /
      (blocksOf(1 + spread.messages, spread.between) - blocksOf(1 + dense.messages, dense.between)),
  );
  return dense.loadMs + perBlock * blocksOf(commits, activePerBucket);
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
}
