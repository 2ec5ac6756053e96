import type { MeasuredHistory, MeasuredOpenLoad, MeasuredSize } from './measured.js';

type Row = Readonly<Record<string, string | number>>;

/** Tables of the sizes: the load, then start-up, then memory and disk, then the read model. */
export function sizeRows(sizes: readonly MeasuredSize[]): Row[][] {
  const table = (cells: (size: MeasuredSize) => Row): Row[] =>
    sizes.map((size) => ({ layout: size.layout, threads: size.threads, commits: size.commits, ...cells(size) }));
  return [
    table((size) => ({
      'posts/s': Math.round(size.postsPerSecond),
      'of reference': size.postsOfReference,
      'p99 ms': size.postP99Ms,
      'p99 of reference': size.postP99OfReference,
      'not in memory: posts/s': size.coldPostsPerSecond === undefined ? '' : Math.round(size.coldPostsPerSecond),
      'p99 ms, not in memory': size.coldP99Ms ?? '',
    })),
    table((size) => ({
      'nats-server restart s': size.natsRestartMs / 1_000,
      'thread-command s': size.commandStartMs / 1_000,
      'takeover s': size.takeoverMs / 1_000,
      'thread-projector s': size.projectorStartMs / 1_000,
      'comparison s': size.comparisonMs / 1_000,
      'rebuild s': size.rebuildMs / 1_000,
    })),
    table((size) => ({
      'nats-server MiB': Math.round(size.natsMib),
      'thread-command MiB': Math.round(size.commandIdleMib),
      'after the load': Math.round(size.commandMib),
      'thread-projector MiB': Math.round(size.projectorMib),
      'journal MiB': size.natsDiskBytes / 2 ** 20,
      'MySQL MiB': size.mysqlBytes / 2 ** 20,
    })),
    table((size) => ({
      'GetThread p50 ms': size.getThreadP50Ms,
      p99: size.getThreadP99Ms,
      'ListThreads p50 ms': size.listThreadsP50Ms,
      'its p99': size.listThreadsP99Ms,
      'filled, commits/s': Math.round(size.filledPerSecond),
    })),
  ];
}

export function historyRows(histories: readonly MeasuredHistory[]): Row[] {
  return histories.map((history) => ({
    layout: history.layout,
    messages: history.messages,
    'commits between': history.between,
    'load ms': history.loadMs,
    'from a snapshot ms': history.loadFromSnapshotMs ?? '',
    'append p50 ms': history.appendP50Ms,
    'heap KiB': history.heapBytes / 1_024,
    'estimated KiB': history.estimatedBytes / 1_024,
  }));
}

export function openLoadRows(openLoads: readonly MeasuredOpenLoad[]): Row[] {
  return openLoads.map(({ share, capacity, p50Ms, p99Ms }) => ({
    'share of capacity': share,
    'posts/s': Math.round(share * capacity),
    'p50 ms': p50Ms,
    'p99 ms': p99Ms,
  }));
}
