import type { Measured } from '../scaling/measured.js';
import { costsOf } from './costs.js';
import { capacityOf, defaultLimits, defaultWorkload, needsOf, type Needs } from './installation-model.js';

/** Tables of docs/scaling.md by name, as lines of Markdown, of what was measured itself. */
export function measuredTables(measured: Pick<Measured, 'sizes' | 'histories'>): Record<string, string[]> {
  return {
    curve: curve(measured),
    'start-up': startUp(measured),
    memory: memory(measured),
    reads: reads(measured),
    histories: histories(measured),
  };
}

/** All of them, with what follows from `measured` for more threads. */
export function scaleTables(measured: Measured): Record<string, string[]> {
  return { ...measuredTables(measured), costs: costs(measured), needs: needs(measured) };
}

/** Sizes that the document is about. */
const SIZES = [200_000, 1_000_000, 10_000_000, 100_000_000];

const curve = ({ sizes }: Pick<Measured, 'sizes'>): string[] =>
  table(
    [
      'layout',
      'threads',
      'commits each',
      'posts/s',
      'of reference',
      'p99 ms',
      'of reference',
      'not in memory: posts/s',
      'p99 ms',
    ],
    sizes.map((size) => [
      size.layout,
      whole(size.threads),
      whole(size.commits),
      whole(size.postsPerSecond),
      short(size.postsOfReference),
      short(size.postP99Ms),
      short(size.postP99OfReference),
      size.coldPostsPerSecond === undefined ? '' : whole(size.coldPostsPerSecond),
      size.coldP99Ms === undefined ? '' : short(size.coldP99Ms),
    ]),
  );

const startUp = ({ sizes }: Pick<Measured, 'sizes'>): string[] =>
  table(
    ['layout', 'threads', 'nats-server', 'thread-command', 'takeover', 'thread-projector', 'comparison', 'rebuild'],
    sizes.map((size) => [
      size.layout,
      whole(size.threads),
      ...[
        size.natsRestartMs,
        size.commandStartMs,
        size.takeoverMs,
        size.projectorStartMs,
        size.comparisonMs,
        size.rebuildMs,
      ].map((ms) => short(ms / 1_000)),
    ]),
  );

const memory = ({ sizes }: Pick<Measured, 'sizes'>): string[] =>
  table(
    [
      'layout',
      'threads',
      'nats-server',
      'thread-command, idle',
      'after the load',
      'thread-projector',
      'journal on disk',
      'MySQL',
    ],
    sizes.map((size) => [
      size.layout,
      whole(size.threads),
      ...[
        size.natsMib,
        size.commandIdleMib,
        size.commandMib,
        size.projectorMib,
        size.natsDiskBytes / 2 ** 20,
        size.mysqlBytes / 2 ** 20,
      ].map(whole),
    ]),
  );

const reads = ({ sizes }: Pick<Measured, 'sizes'>): string[] =>
  table(
    ['layout', 'threads', 'GetThread p50', 'p99', 'ListThreads p50', 'p99'],
    sizes.map((size) => [
      size.layout,
      whole(size.threads),
      ...[size.getThreadP50Ms, size.getThreadP99Ms, size.listThreadsP50Ms, size.listThreadsP99Ms].map(short),
    ]),
  );

const histories = (measured: Pick<Measured, 'histories'>): string[] =>
  table(
    [
      'layout',
      'messages',
      'commits of others between',
      'load ms',
      'from a snapshot ms',
      'append ms',
      'heap KiB',
      'estimated KiB',
    ],
    measured.histories.map((history) => [
      history.layout,
      whole(history.messages),
      whole(history.between),
      short(history.loadMs),
      history.loadFromSnapshotMs === undefined ? '' : short(history.loadFromSnapshotMs),
      short(history.appendP50Ms),
      short(history.heapBytes / 1_024),
      short(history.estimatedBytes / 1_024),
    ]),
  );

function costs(measured: Measured): string[] {
  const cost = costsOf(measured);
  return table(
    ['what', 'costs'],
    [
      ['memory of nats-server', `${whole(cost.natsBytesPerThread)} B a thread, and ${whole(cost.natsBaseMib)} MiB`],
      ['its restart', `${short(1e6 * cost.natsRestartSPerThread)} µs a thread, and ${short(cost.natsRestartBaseS)} s`],
      ['journal on disk', `${whole(cost.journalBytesPerCommit)} B a commit, each copy`],
      [
        'MySQL',
        `${whole(cost.mysqlBytesPerThread)} B a thread of three members with one message, ${whole(cost.mysqlBytesPerMessage)} B each further message`,
      ],
      [
        'rebuild of the read model',
        `${whole(1 / cost.rebuildSPerThread)} threads/s with one message, ${whole(1 / cost.rebuildSPerMessage)} further messages/s`,
      ],
      ['comparison, unbounded', `${whole(1 / cost.comparisonSPerThread)} threads/s`],
      ['posts of one thread-command process at most', `${whole(capacityOf(measured))}/s`],
    ],
  );
}

function needs(measured: Measured): string[] {
  const all = SIZES.map((threads) => needsOf({ ...defaultWorkload, threads }, measured));
  const row = (name: string, cellOf: (one: Needs) => string): string[] => [name, ...all.map(cellOf)];
  return table(
    ['threads', ...all.map(({ threads }) => millions(threads))],
    [
      row('posts/s at peak', (one) => whole(one.peakPostsPerSecond)),
      row('commits', (one) => millions(one.commits)),
      row('JetStream clusters of 3', (one) => whole(one.natsClusters)),
      row('`JOURNAL_BUCKETS` in each', (one) => whole(one.buckets)),
      row('memory of each nats-server, GiB', (one) => short(one.natsGib)),
      row('its restart, s', (one) => short(one.natsRestartS)),
      row('journal on disk, all copies, TiB', (one) => short(one.journalTib)),
      row('thread-command instances', (one) => whole(one.commandInstances)),
      row('`PARTITIONS`', (one) => whole(one.partitions)),
      row('threads in memory at peak', (one) => whole(one.loadedThreads)),
      row('their memory, all instances, GiB', (one) => short(one.loadedGib)),
      row('loading a thread, ms', (one) => whole(one.loadMs)),
      row('feed of 256 MiB holds, minutes', (one) => short(one.feedMinutes)),
      row('thread-projector instances', (one) => whole(one.projectors)),
      row('MySQL rows', (one) => millions(one.mysqlRows)),
      row('MySQL, TiB', (one) => short(one.mysqlTib)),
      row(`MySQL servers of ${defaultLimits.mysqlTib} TiB`, (one) => whole(one.mysqlShards)),
      row('a comparison, hours', (one) => short(one.comparisonHours)),
      row('a rebuild by one process, hours', (one) => short(one.rebuildHours)),
    ],
  );
}

/** A table as Prettier would set it, so that it does not matter who wrote it last. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function short(value: number): string {
  return value >= 100 ? whole(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function millions(value: number): string {
  return value >= 1e9
    ? `${short(value / 1e9)} billion`
    : value >= 1e6
      ? `${Number((value / 1e6).toPrecision(3))} million`
      : whole(value);
}
