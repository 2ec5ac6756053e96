import type { Measured, MeasuredSize } from '../scaling/measured.js';

/** What a thread, a commit and a message cost in the bucketed layout, from what was measured. */
export interface Costs {
  readonly natsBaseMib: number;
  readonly natsBytesPerThread: number;
  readonly natsRestartBaseS: number;
  readonly natsRestartSPerThread: number;
  readonly journalBytesPerCommit: number;
  /** Rows of the thread, its three participants and its first message. */
  readonly mysqlBytesPerThread: number;
  readonly mysqlBytesPerMessage: number;
  readonly rebuildBaseS: number;
  readonly rebuildSPerThread: number;
  readonly comparisonBaseS: number;
  readonly comparisonSPerThread: number;
  readonly commandStartS: number;
}

/** From all that was measured. @throws Error when a size is missing */
export function costsOf(measured: Measured): Costs {
  return costsUpTo(measured, Infinity);
}

/**
 * From sizes of at most so many threads: what does not grow from the smallest, what grows from the two largest.
 * @throws Error when there are not three of them
 */
export function costsUpTo({ sizes }: Pick<Measured, 'sizes'>, maxThreads: number): Costs {
  const short = sizes
    .filter(({ layout, commits, threads }) => layout === 'bucketed' && commits === 2 && threads <= maxThreads)
    .sort((a, b) => a.threads - b.threads);
  const [first] = short;
  const largest = short.at(-1);
  const long = sizes.find(({ commits }) => commits > 2);
  if (first === undefined || largest === undefined || short.length < 3 || long === undefined) {
    throw new Error('the bucketed layout was not measured at three sizes, and with longer threads');
  }
  const perThread = (valueOf: (size: MeasuredSize) => number): number =>
    Math.max(0, (valueOf(largest) - valueOf(first)) / (largest.threads - first.threads));
  const mysqlBytesPerThread = perThread(({ mysqlBytes }) => mysqlBytes);
  return {
    natsBaseMib: first.natsMib,
    natsBytesPerThread: perThread(({ natsMib }) => natsMib) * 2 ** 20,
    natsRestartBaseS: first.natsRestartMs / 1_000,
    natsRestartSPerThread: perThread(({ natsRestartMs }) => natsRestartMs) / 1_000,
    journalBytesPerCommit: perThread(({ natsDiskBytes }) => natsDiskBytes) / largest.commits,
    mysqlBytesPerThread,
    mysqlBytesPerMessage: Math.max(
      0,
      (long.mysqlBytes / long.threads - mysqlBytesPerThread) / (long.commits - largest.commits),
    ),
    rebuildBaseS: first.rebuildMs / 1_000,
    rebuildSPerThread: perThread(({ rebuildMs }) => rebuildMs) / 1_000,
    comparisonBaseS: first.comparisonMs / 1_000,
    comparisonSPerThread: perThread(({ comparisonMs }) => comparisonMs) / 1_000,
    commandStartS: Math.max(...short.map(({ commandStartMs }) => commandStartMs)) / 1_000,
  };
}

/** One figure at the largest size, as predicted from smaller ones, and as measured. */
export interface Prediction {
  readonly figure: string;
  readonly predicted: number;
  readonly measured: number;
  /** (predicted − measured) ÷ measured. */
  readonly error: number;
}

/** Predicts the largest bucketed size from those of at most `fromThreads`. */
export function checkPrediction(measured: Measured, fromThreads: number): Prediction[] {
  const costs = costsUpTo(measured, fromThreads);
  const largest = measured.sizes
    .filter(({ layout, commits }) => layout === 'bucketed' && commits === 2)
    .reduce((one, other) => (other.threads > one.threads ? other : one));
  const { threads } = largest;
  const pairs: readonly [string, number, number][] = [
    ['memory of nats-server, MiB', costs.natsBaseMib + (threads * costs.natsBytesPerThread) / 2 ** 20, largest.natsMib],
    [
      'restart of nats-server, s',
      costs.natsRestartBaseS + threads * costs.natsRestartSPerThread,
      largest.natsRestartMs / 1_000,
    ],
    [
      'journal on disk, MiB',
      (threads * largest.commits * costs.journalBytesPerCommit) / 2 ** 20,
      largest.natsDiskBytes / 2 ** 20,
    ],
    ['MySQL, MiB', (threads * costs.mysqlBytesPerThread) / 2 ** 20, largest.mysqlBytes / 2 ** 20],
    ['rebuild, s', costs.rebuildBaseS + threads * costs.rebuildSPerThread, largest.rebuildMs / 1_000],
    ['comparison, s', costs.comparisonBaseS + threads * costs.comparisonSPerThread, largest.comparisonMs / 1_000],
    ['thread-command until SERVING, s', costs.commandStartS, largest.commandStartMs / 1_000],
  ];
  return pairs.map(([figure, predicted, seen]) => ({
    figure,
    predicted,
    measured: seen,
    error: (predicted - seen) / seen,
  }));
}
