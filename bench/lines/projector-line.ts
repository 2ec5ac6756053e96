import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { ulid } from 'ulid';
import { Database } from '../../platform/mysql/database.js';
import { migrateDatabase } from '../../platform/mysql/migrate-database.js';
import { ProjectionLayout } from '../../platform/mysql/projection-layout.js';
import { MySqlProjectionStore } from '../../platform/mysql/projection-store.js';
import { JetStreamFeedReader } from '../../platform/nats/jetstream-feed-reader.js';
import { JetStreamFeedWriter } from '../../platform/nats/jetstream-feed-writer.js';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import type { Commit } from '../../platform/journal/journal.js';
import { feedPartitionsOf, type ProjectionPartitions } from '../../platform/projection/projection-partition.js';
import { Projector } from '../../platform/projection/projector.js';
import pLimit from 'p-limit';
import { InMemoryJournal } from '../../platform/testing/in-memory-journal.js';
import { startMySqlServer, startNatsServer } from '../../mesh/servers/index.js';
import { mySqlThreadRows } from '../../services/thread/projector/adapters/mysql-thread-rows.js';
import { threadsProjection } from '../../services/thread/projector/projection.js';
import { migrations } from '../../services/thread/projector/migrations/index.js';
import { commitOf, messagesAdded, threadCreated } from '../../services/thread/projector/test/projection-fixture.js';
import type { Pids } from '../support/cpu-time.js';
import type { Line, LineResult, Row } from '../support/line.js';
import { median } from '../support/rounds.js';
import { withStops } from '../support/stops.js';
import { measureWork, unitsPerSecond, workRows, type WorkSample } from '../support/works.js';
import { endProgress, showProgress, summarize } from '../table.js';

const THREADS = 400;
const MESSAGES_IN_COMMIT = 5;
const ROUNDS = 5;
/** As in a process with its default settings. */
const PARTITIONS = { feedPartitions: 64, count: 8 };
const CONNECTIONS = 4;
/** The steady load, publisher included. */
const STEADY_PER_SECOND = 500;
const STEADY_SECONDS = 6;
/** Rows in a statement, and statements in a transaction, of the reference. */
const ROWS_IN_INSERT = 1_000;

/**
 * One projector process's worth of partitions projects a backlog of the feed, beside multi-row inserts of the very rows
 * that came out, in turns, each into an empty database.
 */
export const projectorLine: Line = {
  name: 'projector',
  about: 'rows a second over a backlog, beside multi-row inserts of the same rows from one process',
  run: ({ count = 4_000, rounds = ROUNDS }) =>
    withStops(async (started): Promise<LineResult> => {
      const nats = started(await startNatsServer());
      const mySql = started(await startMySqlServer({ bufferPoolMib: 256 }));
      const link = await NatsLink.open({ url: nats.url, name: 'bench', logger: createLogger('bench', 'silent') });
      started({ stop: () => link.close() });
      const pids = { node: [process.pid], mysql: [mySql.pid], nats: [nats.pid] };
      const works = [
        { name: 'multi-row inserts', samples: [] as WorkSample[] },
        { name: 'projector, a backlog', samples: [] as WorkSample[] },
      ] as const;
      const [inserting, projecting] = works;
      for (let round = 0; round <= rounds; round += 1) {
        showProgress(`projector: round ${round} of ${rounds}`);
        const { inserts, projection } = await measureRound({ link, mySqlUrl: mySql.url, pids, count, round });
        // Round 0 warms up.
        if (round === 0) continue;
        inserting.samples.push(inserts);
        projecting.samples.push(projection);
      }
      endProgress();
      const [reference, subject] = works.map(({ samples }) => median(samples.map(unitsPerSecond)));
      return {
        title: 'Projector: a backlog of the feed beside multi-row inserts',
        how:
          `${count} commits over ${THREADS} threads, ${MESSAGES_IN_COMMIT} messages each, ${PARTITIONS.count} partitions in one process ` +
          `over ${CONNECTIONS} connections; the inserts put ${ROWS_IN_INSERT} rows in a statement and transaction, on one connection.`,
        tables: [
          { rows: workRows(works, 'rows') },
          {
            caption: `A steady load of ${STEADY_PER_SECOND} commits/s, publisher and projector in one process`,
            rows: await measureSteadyLoad(link, mySql.url),
          },
        ],
        verdicts: [
          {
            what: 'Projector',
            measure: 'rows/s ÷ multi-row inserts',
            atLeast: 0.4,
            reached: (subject ?? NaN) / (reference ?? NaN),
          },
        ],
        notes: ['Several partitions make more transactions, but several at once, so that a commit waits less.'],
      };
    }),
};

interface RoundOptions {
  readonly link: NatsLink;
  readonly mySqlUrl: string;
  readonly pids: Pids;
  readonly count: number;
  readonly round: number;
}

async function measureRound({ link, mySqlUrl, pids, count, round }: RoundOptions) {
  const prefix = `ROUND${round}`;
  const feed = new JetStreamFeedWriter(link, { prefix, logger: createLogger('bench', 'silent') });
  await feed.announceTakeover();
  const commits = backlog(count);
  for (const commit of commits) feed.publish(commit);
  if (!(await feed.flush(60_000))) throw new Error('the feed did not take all');

  const projected = await openDatabase(mySqlUrl);
  const projection = await measureWork(() => project(link, prefix, projected, commits.length), 1, pids);
  const tables = await rowsOf(projected);
  const rows = tables.reduce((sum, table) => sum + table.rows.length, 0);
  const bare = await openDatabase(mySqlUrl);
  const inserts = await measureWork(() => insert(bare, tables), 1, pids);
  await Promise.all([projected.close(), bare.close()]);
  await link.manager.streams.delete(`${prefix}_FEED`);
  return { projection: perUnit(projection, rows), inserts: perUnit(inserts, rows) };
}

/** How many rows there are is known only afterwards. */
function perUnit({ ms, cpu }: WorkSample, count: number): WorkSample {
  const shares = Object.entries(cpu).map(([group, micros]) => [group, micros / count] as const);
  return { ms, count, cpu: Object.fromEntries(shares) };
}

/** Threads with some members, and commits of some messages each, in turns. */
function backlog(count: number): Commit[] {
  const threads = Array.from({ length: THREADS }, () => ({ id: ulid(), creatorId: ulid(), version: 0 }));
  return Array.from({ length: count }, (_, index) => {
    const thread = threads[index % THREADS] as (typeof threads)[number];
    thread.version += 1;
    const { id, creatorId, version } = thread;
    if (version === 1) return commitOf(id, 1, threadCreated(id, { creatorId, memberIds: [creatorId, ulid(), ulid()] }));
    const messages = Array.from({ length: MESSAGES_IN_COMMIT }, () => ({
      id: ulid(),
      text: 'Nobody reads this text.',
    }));
    return commitOf(id, version, messagesAdded(creatorId, messages));
  });
}

/** A database of its own on the server, migrated. */
async function openDatabase(mySqlUrl: string): Promise<Database> {
  const url = new URL(mySqlUrl);
  const name = `bench_${ulid().toLowerCase()}`;
  const connection = await createConnection(url.href);
  await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  await connection.end();
  url.pathname = `/${name}`;
  await migrateDatabase({ url: url.href, migrations, report: () => undefined });
  return new Database({ url: url.href, maxConnections: CONNECTIONS, statementTimeoutMs: 60_000 });
}

async function project(link: NatsLink, prefix: string, database: Database, commits: number): Promise<void> {
  let projected = 0;
  let finish: () => void;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const { stop } = startProjectors(link, prefix, database, PARTITIONS, ({ length }) => {
    projected += length;
    if (projected >= commits) finish();
  });
  await finished;
  await stop();
}

/** All partitions in one process, as `thread-projector` runs them. */
function startProjectors(
  link: NatsLink,
  prefix: string,
  database: Database,
  partitions: ProjectionPartitions,
  onProjected: (commits: readonly Commit[]) => void,
): { stop(): Promise<void> } {
  const layout = new ProjectionLayout(database, 'threads', partitions);
  const slots = pLimit(CONNECTIONS - 1);
  const projectors = Array.from({ length: partitions.count }, (_, partition) => {
    const projector = new Projector({
      feed: new JetStreamFeedReader(link, { prefix }, feedPartitionsOf(partition, partitions)),
      journal: new InMemoryJournal(),
      store: new MySqlProjectionStore(database, mySqlThreadRows, { projection: threadsProjection, partition, layout }),
      observer: (event) => event.kind === 'projected' && onProjected(event.commits),
      slots,
    });
    projector.start();
    return projector;
  });
  return { stop: async () => void (await Promise.all(projectors.map((projector) => projector.drain()))) };
}

/** What a steady load costs with one partition, and with several. */
async function measureSteadyLoad(link: NatsLink, mySqlUrl: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const count of [1, PARTITIONS.count]) {
    showProgress(`${count} partitions at ${STEADY_PER_SECOND} commits/s`);
    const prefix = `STEADY${count}`;
    const feed = new JetStreamFeedWriter(link, { prefix, logger: createLogger('bench', 'silent') });
    await feed.announceTakeover();
    const database = await openDatabase(mySqlUrl);
    const lags: number[] = [];
    const publishedAt = new Map<string, number>();
    let batches = 0;
    const projectors = startProjectors(link, prefix, database, { ...PARTITIONS, count }, (commits) => {
      batches += 1;
      const now = performance.now();
      for (const { aggregateId, version } of commits) {
        lags.push(now - (publishedAt.get(`${aggregateId}:${version}`) ?? NaN));
      }
    });
    const commits = backlog(STEADY_PER_SECOND * STEADY_SECONDS);
    const sample = await measureWork(
      async () => {
        const startedAt = performance.now();
        for (const [index, commit] of commits.entries()) {
          const aheadMs = (1_000 * index) / STEADY_PER_SECOND - (performance.now() - startedAt);
          if (aheadMs > 1) await delay(aheadMs);
          publishedAt.set(`${commit.aggregateId}:${commit.version}`, performance.now());
          feed.publish(commit);
        }
        while (lags.length < commits.length) await delay(5);
      },
      commits.length,
      { node: [process.pid] },
    );
    await projectors.stop();
    await database.close();
    const { p50, p99, max } = summarize(lags);
    const batchSize = commits.length / batches;
    rows.push({
      [`at ${STEADY_PER_SECOND} commits/s`]: `${count} partitions`,
      'lag p50 ms': p50,
      p99,
      max,
      'commits a batch': batchSize,
      'node µs/commit': Math.round(sample.cpu.node ?? 0),
    });
  }
  endProgress();
  return rows;
}

interface TableRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (string | number | null)[][];
}

async function rowsOf(database: Database): Promise<TableRows[]> {
  const tables = await database.rows<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()
      AND table_name NOT LIKE 'schema\\_%' AND table_name NOT LIKE 'projection\\_%'`,
  );
  const filled: TableRows[] = [];
  for (const { name } of tables) {
    const rows = await database.rows<Record<string, string | number | null>>(`SELECT * FROM ${name}`);
    const [first] = rows;
    if (first) filled.push({ table: name, columns: Object.keys(first), rows: rows.map((row) => Object.values(row)) });
  }
  return filled;
}

async function insert(database: Database, tables: readonly TableRows[]): Promise<void> {
  for (const { table, columns, rows } of tables) {
    for (let start = 0; start < rows.length; start += ROWS_IN_INSERT) {
      const chunk = rows.slice(start, start + ROWS_IN_INSERT);
      await database.transaction((tx) => tx.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ?`, [chunk]));
    }
  }
}
