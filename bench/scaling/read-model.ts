import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { createConnection } from 'mysql2/promise';
import { ThreadQueryServiceClient } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { migrateDatabase } from '../../platform/mysql/migrate-database.js';
import { projectRoot } from '../../platform/process/project-root.js';
import { migrations } from '../../services/thread/projector/migrations/index.js';
import { summarize } from '../table.js';
import type { BenchInstallation } from './bench-installation.js';
import { bytesOf, residentMib } from './footprint.js';
import type { MeasuredSize } from './measured.js';
import type { BenchThread } from './thread-history.js';

/** The MySQL that all sizes share, each with a database of its own. */
export interface BenchMySql {
  readonly url: string;
  readonly dataDir: string;
}

export type MeasuredReadModel = Pick<
  MeasuredSize,
  | 'rebuildMs'
  | 'mysqlBytes'
  | 'projectorStartMs'
  | 'projectorMib'
  | 'comparisonMs'
  | 'getThreadP50Ms'
  | 'getThreadP99Ms'
  | 'listThreadsP50Ms'
  | 'listThreadsP99Ms'
>;

/** So many threads are asked for, one at a time. */
const ASKED = 400;

/** Rebuilds the read model from the journal, has a projector compare the two, and reads some threads. */
export async function measureReadModel(
  installation: BenchInstallation,
  mySql: BenchMySql,
  progress: (doing: string) => void,
): Promise<MeasuredReadModel> {
  const { layout, threads } = installation.options;
  const name = `${layout.replace('-', '_')}_${threads}`;
  const url = new URL(mySql.url);
  url.pathname = `/${name}`;
  const connection = await createConnection(mySql.url);
  try {
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    await migrateDatabase({ url: url.href, migrations, report: () => undefined });
    const files = join(mySql.dataDir, 'files', name);
    const emptyBytes = await bytesOf(files);

    progress('a rebuild of the read model');
    const env = { ...installation.env, MYSQL_URL: url.href };
    const admin = join(projectRoot, 'dist', 'services', 'admin.js');
    const startedAt = performance.now();
    await promisify(execFile)(process.execPath, [admin, 'thread', 'projection', 'rebuild'], {
      env: { ...process.env, ...env },
    });
    const rebuildMs = performance.now() - startedAt;
    const mysqlBytes = Math.max(0, (await bytesOf(files)) - emptyBytes);

    progress('thread-projector');
    const projector = await installation.start('thread/projector/main.ts', {
      MYSQL_URL: url.href,
      LOG_LEVEL: 'debug',
      RECONCILE_THREADS_PER_SECOND: '1000000000',
    });
    const comparedAfterMs = await projector.loggedAfterMs('compared the journal with the read model');
    const projectorMib = residentMib(projector.pid);
    await projector.kill('SIGTERM');

    progress('thread-query');
    const query = await installation.start('thread/query/main.ts', { MYSQL_URL: url.href });
    const reads = await readSome(query.address, installation.threads);
    await query.kill('SIGTERM');
    const comparisonMs = comparedAfterMs - projector.startMs;
    return { rebuildMs, mysqlBytes, projectorStartMs: projector.startMs, projectorMib, comparisonMs, ...reads };
  } finally {
    await connection.query(`DROP DATABASE IF EXISTS ${name}`);
    await connection.end();
  }
}

async function readSome(address: string, threads: readonly BenchThread[]) {
  const client = new ThreadQueryServiceClient(address, credentials.createInsecure());
  const asked = Array.from({ length: ASKED }, () => threads[Math.floor(Math.random() * threads.length)] as BenchThread);
  type Answer<Response> = (error: ServiceError | null, response: Response) => void;
  const timed = async <Response>(ask: (thread: BenchThread, answer: Answer<Response>) => void): Promise<number[]> => {
    const samples: number[] = [];
    for (const thread of asked) {
      const startedAt = performance.now();
      await new Promise<void>((resolve, reject) =>
        ask(thread, (error) => (error === null ? resolve() : reject(error))),
      );
      samples.push(performance.now() - startedAt);
    }
    // The first ones warm up.
    return samples.slice(ASKED / 4);
  };
  try {
    const get = summarize(
      await timed(({ id, accountId }, answer) =>
        client.getThread({ accountId, threadId: id, minVersion: 0n }, new Metadata(), answer),
      ),
    );
    const list = summarize(
      await timed(({ accountId }, answer) =>
        client.listThreads({ accountId, pageSize: 100, pageToken: '' }, new Metadata(), answer),
      ),
    );
    return {
      getThreadP50Ms: get.p50,
      getThreadP99Ms: get.p99,
      listThreadsP50Ms: list.p50,
      listThreadsP99Ms: list.p99,
    };
  } finally {
    client.close();
  }
}
