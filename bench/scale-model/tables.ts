import type { Measured } from '../scaling/measured.js';
import { checkPrediction, costsOf } from './costs.js';
import { capacityOf, defaultLimits, defaultWorkload, needsOf, type Needs } from './installation-model.js';
import { simulateQueues } from './queue-simulation.js';

/** Tables of docs/scaling.md by name, as lines of Markdown: all that the document says in figures follows from `measured`. */
export function scaleTables(measured: Measured): Record<string, string[]> {
  return {
    curve: curve(measured),
    'start-up': startUp(measured),
    memory: memory(measured),
    reads: reads(measured),
    histories: histories(measured),
    costs: costs(measured),
    needs: needs(measured),
    prediction: prediction(measured),
    queues: queues(measured),
    validation: validation(measured),
  };
}

/** Sizes that the document is about. */
const SIZES = [200_000, 1_000_000, 10_000_000, 100_000_000];
/** Of those, the smallest is predicted from sizes up to this one. */
const PREDICT_FROM = 10_000;
const SEED = 1;
/** Active threads of the simulation, and how unequal. */
const SIMULATED_THREADS = 100_000;
const SKEW = 0.8;

const curve = ({ sizes }: Measured): string[] =>
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

const startUp = ({ sizes }: Measured): string[] =>
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

const memory = ({ sizes }: Measured): string[] =>
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

const reads = ({ sizes }: Measured): string[] =>
  table(
    ['layout', 'threads', 'GetThread p50', 'p99', 'ListThreads p50', 'p99'],
    sizes.map((size) => [
      size.layout,
      whole(size.threads),
      ...[size.getThreadP50Ms, size.getThreadP99Ms, size.listThreadsP50Ms, size.listThreadsP99Ms].map(short),
    ]),
  );

const histories = (measured: Measured): string[] =>
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

const prediction = (measured: Measured): string[] =>
  table(
    ['at the largest size measured', 'predicted', 'measured', 'error'],
    checkPrediction(measured, PREDICT_FROM).map(({ figure, predicted, measured: seen, error }) => [
      figure,
      short(predicted),
      short(seen),
      percent(error),
    ]),
  );

function queues(measured: Measured): string[] {
  const capacity = capacityOf(measured);
  const rows: string[][] = [];
  for (const instances of [2, 8, 24, 48]) {
    for (const partitions of [64, 1_024]) {
      const outcome = simulateQueues({
        seed: SEED,
        capacity,
        ...appendOf(measured),
        instances,
        partitions,
        threads: SIMULATED_THREADS,
        skew: SKEW,
        postsPerSecond: 0.5 * capacity * instances,
      });
      rows.push([
        whole(instances),
        whole(partitions),
        percent(outcome.average),
        percent(outcome.busiest),
        percent((0.7 * outcome.average) / outcome.busiest),
        short(outcome.othersP99),
        whole(outcome.hottestShare * 0.5 * capacity * instances),
      ]);
    }
  }
  return table(
    [
      'instances',
      'partitions',
      'average',
      'busiest',
      'average at which the busiest is at 70 %',
      'p99 of all other threads, ms',
      'posts/s to the hottest',
    ],
    rows,
  );
}

function validation(measured: Measured): string[] {
  return table(
    ['of capacity', 'p50 simulated, ms', 'measured', 'error', 'p99 simulated, ms', 'measured', 'error'],
    measured.openLoads.map(({ share, capacity, p50Ms, p99Ms }) => {
      const { p50, p99 } = simulateQueues({
        seed: SEED,
        capacity,
        ...appendOf(measured),
        instances: 1,
        partitions: 64,
        threads: 100,
        skew: 0,
        postsPerSecond: share * capacity,
      });
      return [
        percent(share),
        short(p50),
        short(p50Ms),
        percent((p50 - p50Ms) / p50Ms),
        short(p99),
        short(p99Ms),
        percent((p99 - p99Ms) / p99Ms),
      ];
    }),
  );
}

/**
 * What a post takes besides its owner's work: the p50 when hardly anything is under way; and what of that keeps the
 * thread's next one waiting: what one thread alone takes.
 */
function appendOf({ openLoads, sizes }: Measured): { appendMs: number; serialMs: number } {
  const [first] = openLoads;
  const alone = sizes.find(({ layout, threads }) => layout === 'bucketed' && threads === 1);
  if (first === undefined || alone === undefined) throw new Error('no open load, or no single thread, was measured');
  const appendMs = Math.max(0, first.p50Ms - 1_000 / first.capacity);
  return { appendMs, serialMs: Math.min(appendMs, 1_000 / alone.postsPerSecond) };
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

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
