import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { Database } from '../services/shared/adapters/mysql/database.js';
import { migrateDatabase } from '../services/shared/adapters/mysql/migrate-database.js';
import { ProjectionLayout } from '../services/shared/adapters/mysql/projection-layout.js';
import { MySqlProjectionStore } from '../services/shared/adapters/mysql/projection-store.js';
import { JetStreamFeedReader } from '../services/shared/adapters/nats/jetstream-feed-reader.js';
import { JetStreamFeedWriter } from '../services/shared/adapters/nats/jetstream-feed-writer.js';
import { NatsLink } from '../services/shared/adapters/nats/nats-link.js';
import { createLogger } from '../services/shared/adapters/telemetry/logger.js';
import type { Commit } from '../services/shared/runtime/journal.js';
import { quietObserver } from '../services/shared/runtime/projection-observer.js';
import { feedPartitionsOf, type ProjectionPartitions } from '../services/shared/runtime/projection-partition.js';
import { Projector } from '../services/shared/runtime/projector.js';
import { SaveSlots } from '../services/shared/runtime/save-slots.js';
import { InMemoryJournal } from '../services/shared/testing/in-memory-journal.js';
import { freshDatabaseUrl, startNatsServer } from '../services/shared/testing/servers/index.js';
import { stopSharedServers } from '../services/shared/testing/servers/shared-servers.js';
import { mySqlThreadRows } from '../services/thread-projector/adapters/mysql-thread-rows.js';
import { migrations } from '../services/thread-projector/migrations/index.js';
import { commitOf, messagesAdded, threadCreated } from '../services/thread-projector/test/projection-fixture.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

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
 * Has one projector process's worth of partitions project a backlog of the feed, and compares with multi-row inserts of
 * the very rows that came out, in turns, each into an empty database.
 */
export async function benchProjector({ count = 4_000 }: { count: number | undefined }): Promise<void> {
  const server = await startNatsServer();
  const logger = createLogger('bench', 'silent');
  const link = await NatsLink.open({ url: server.url, name: 'bench', logger });
  const samples = { projector: [] as number[], inserts: [] as number[] };
  const cpu = { projector: [] as number[], inserts: [] as number[] };
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      showProgress(`round ${round} of ${ROUNDS}`);
      const prefix = `ROUND${round}`;
      const feed = new JetStreamFeedWriter(link, { prefix, logger });
      await feed.announceTakeover();
      const commits = backlog(count);
      for (const commit of commits) feed.publish(commit);
      if (!(await feed.flush(60_000))) throw new Error('the feed did not take all');

      const projected = await openDatabase();
      const projecting = await timed(() => project(link, prefix, projected, commits.length));
      const tables = await rowsOf(projected);
      const rows = tables.reduce((sum, table) => sum + table.rows.length, 0);
      const bare = await openDatabase();
      const inserting = await timed(() => insert(bare, tables));
      await Promise.all([projected.close(), bare.close()]);
      await link.manager.streams.delete(`${prefix}_FEED`);
      // Round 0 warms up.
      if (round === 0) continue;
      samples.projector.push((1_000 * rows) / projecting.ms);
      samples.inserts.push((1_000 * rows) / inserting.ms);
      cpu.projector.push((1_000 * projecting.cpuMs) / rows);
      cpu.inserts.push((1_000 * inserting.cpuMs) / rows);
    }
    endProgress();
    const reference = summarize(samples.inserts).p50;
    const names = { projector: 'projector, a backlog', inserts: 'multi-row inserts (reference)' } as const;
    printTable(
      (['inserts', 'projector'] as const).map((way) => {
        const { min, p50, max } = summarize(samples[way]);
        const cpuUs = summarize(cpu[way]).p50;
        return { 'rows/s': names[way], min, median: p50, max, 'of reference': p50 / reference, 'CPU us/row': cpuUs };
      }),
    );
    await benchSteadyLoad(link);
  } finally {
    await link.close();
    await server.stop();
    await stopSharedServers();
  }
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

async function openDatabase(): Promise<Database> {
  const url = await freshDatabaseUrl();
  await migrateDatabase({ url, migrations, report: () => undefined });
  return new Database({ url, maxConnections: CONNECTIONS, statementTimeoutMs: 60_000 });
}

async function timed(work: () => Promise<void>): Promise<{ ms: number; cpuMs: number }> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (user + system) / 1_000 };
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
  const slots = new SaveSlots(CONNECTIONS - 1);
  const projectors = Array.from({ length: partitions.count }, (_, partition) => {
    const projector = new Projector({
      feed: new JetStreamFeedReader(link, { prefix }, feedPartitionsOf(partition, partitions)),
      journal: new InMemoryJournal(),
      store: new MySqlProjectionStore(database, mySqlThreadRows, { projection: 'threads', partition, layout }),
      observer: { ...quietObserver, projected: onProjected },
      slots,
    });
    projector.start();
    return projector;
  });
  return { stop: async () => void (await Promise.all(projectors.map((projector) => projector.drain()))) };
}

/** What a steady load costs with one partition, and with several. */
async function benchSteadyLoad(link: NatsLink): Promise<void> {
  const rows: Record<string, string | number>[] = [];
  for (const count of [1, PARTITIONS.count]) {
    showProgress(`${count} partitions at ${STEADY_PER_SECOND} commits/s`);
    const prefix = `STEADY${count}`;
    const feed = new JetStreamFeedWriter(link, { prefix, logger: createLogger('bench', 'silent') });
    await feed.announceTakeover();
    const database = await openDatabase();
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
    const { cpuMs } = await timed(async () => {
      const startedAt = performance.now();
      for (const [index, commit] of commits.entries()) {
        const aheadMs = (1_000 * index) / STEADY_PER_SECOND - (performance.now() - startedAt);
        if (aheadMs > 1) await delay(aheadMs);
        publishedAt.set(`${commit.aggregateId}:${commit.version}`, performance.now());
        feed.publish(commit);
      }
      while (lags.length < commits.length) await delay(5);
    });
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
      'CPU us/commit': (1_000 * cpuMs) / commits.length,
    });
  }
  endProgress();
  printTable(rows);
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
