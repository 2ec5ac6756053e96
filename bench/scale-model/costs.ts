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
  /** Files are larger than what is in them: InnoDB extends them in steps. */
  readonly mysqlBaseBytes: number;
  readonly mysqlBytesPerMessage: number;
  /** Of threads with one message. */
  readonly rebuildSPerThread: number;
  readonly rebuildBaseS: number;
  readonly rebuildSPerMessage: number;
  readonly comparisonBaseS: number;
  readonly comparisonSPerThread: number;
  readonly commandStartS: number;
}

/**
 * The straight line through the two largest sizes. What a further message costs is told by the installation with longer threads.
 * @throws Error when there are not two sizes, or none with longer threads
 */
export function costsOf({ sizes }: Pick<Measured, 'sizes'>): Costs {
  const short = sizes
    .filter(({ layout, commits }) => layout === 'bucketed' && commits === 2)
    .sort((a, b) => a.threads - b.threads);
  const [smaller, larger] = short.slice(-2);
  const long = sizes.find(({ commits }) => commits > 2);
  if (smaller === undefined || larger === undefined || long === undefined) {
    throw new Error('the bucketed layout was not measured at two sizes, and with longer threads');
  }
  const lineOf = (valueOf: (size: MeasuredSize) => number): Line => {
    const slope = Math.max(0, (valueOf(larger) - valueOf(smaller)) / (larger.threads - smaller.threads));
    return { base: Math.max(0, valueOf(larger) - slope * larger.threads), slope };
  };
  const perMessage = (valueOf: (size: MeasuredSize) => number): number => {
    const { base, slope } = lineOf(valueOf);
    const furtherMessages = long.threads * (long.commits - larger.commits);
    return Math.max(0, (valueOf(long) - base - slope * long.threads) / furtherMessages);
  };
  const nats = lineOf(({ natsMib }) => natsMib * 2 ** 20);
  const restart = lineOf(({ natsRestartMs }) => natsRestartMs / 1_000);
  const mysql = lineOf(({ mysqlBytes }) => mysqlBytes);
  const rebuild = lineOf(({ rebuildMs }) => rebuildMs / 1_000);
  const comparison = lineOf(({ comparisonMs }) => comparisonMs / 1_000);
  return {
    natsBaseMib: nats.base / 2 ** 20,
    natsBytesPerThread: nats.slope,
    natsRestartBaseS: restart.base,
    natsRestartSPerThread: restart.slope,
    journalBytesPerCommit: lineOf(({ natsDiskBytes }) => natsDiskBytes).slope / larger.commits,
    mysqlBytesPerThread: mysql.slope,
    mysqlBaseBytes: mysql.base,
    mysqlBytesPerMessage: perMessage(({ mysqlBytes }) => mysqlBytes),
    rebuildSPerThread: rebuild.slope,
    rebuildBaseS: rebuild.base,
    rebuildSPerMessage: perMessage(({ rebuildMs }) => rebuildMs / 1_000),
    comparisonBaseS: comparison.base,
    comparisonSPerThread: comparison.slope,
    commandStartS: larger.commandStartMs / 1_000,
  };
}

interface Line {
  readonly base: number;
  readonly slope: number;
}
