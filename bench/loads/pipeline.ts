import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { Database } from '../../platform/mysql/database.js';
import { mySqlThreadVersions } from '../../services/thread/query/adapters/mysql-thread-versions.js';
import { ReadModelVersions } from '../../platform/queries/read-model-versions.js';
import { closedLoop, percentiles, type Load, type RoundOrder, type RoundReport } from '../support/load.js';
import { createThreads, of, openClients, postMessage } from './thread-clients.js';

export interface PipelineOptions {
  /** Of thread-command. */
  readonly address: string;
  /** Of the read model, where it is seen when a command's rows are there. */
  readonly mySqlUrl: string;
  readonly threads: number;
  /**
   * Commands a second, sent by the clock whatever is answered (an open model).
   * @default a closed loop, whose round ends when the read model has all
   */
  readonly perSecond?: number;
}

/** Nothing that works takes so long. */
const DEADLINE_MS = 30_000;

/** AddMessages, and how long after its answer the read model has it: `extra` has lagP50, lagP99 and lagMax in milliseconds. */
export async function open({ address, mySqlUrl, threads, perSecond }: PipelineOptions): Promise<Load> {
  const clients = openClients([address], 4);
  const database = new Database({ url: mySqlUrl, maxConnections: 1 });
  // All that wait share one statement at a time, so that watching costs the database little.
  const versions = new ReadModelVersions(mySqlThreadVersions(database), {
    firstPollMs: 1,
    maxPollMs: 4,
    maxWaiting: 1_000_000,
  });
  const accountId = ulid();
  const ids = await createThreads(clients, threads, { accountId, run: ulid() });
  const untilSeen = async (threadId: string, version: number): Promise<void> => {
    if (!(await versions.reached({ accountId, aggregateId: threadId }, version, Date.now() + DEADLINE_MS)))
      throw new Error('it was never seen');
  };
  for (const id of ids) await untilSeen(id, 1);
  const post = async (index: number): Promise<{ threadId: string; version: number }> => {
    const threadId = of(ids, index);
    const { version } = await postMessage(of(clients, index), { requestId: ulid(), accountId, threadId });
    return { threadId, version: Number(version) };
  };
  return {
    round: (order) =>
      perSecond === undefined ? burst(order, post, untilSeen) : steady(order, perSecond, post, untilSeen),
    async close() {
      clients.forEach((client) => client.close());
      await database.close();
    },
  };
}

type Post = (index: number) => Promise<{ threadId: string; version: number }>;
type UntilSeen = (threadId: string, version: number) => Promise<void>;

/** As fast as it goes; takes until the read model has the last one. */
async function burst(order: RoundOrder, post: Post, untilSeen: UntilSeen): Promise<RoundReport> {
  const last = new Map<string, number>();
  const startedAt = performance.now();
  const report = await closedLoop(order, async (lane, turn) => {
    const { threadId, version } = await post(lane + order.inFlight * turn);
    last.set(threadId, Math.max(version, last.get(threadId) ?? 0));
  });
  const answeredMs = performance.now() - startedAt;
  await Promise.all([...last].map(([threadId, version]) => untilSeen(threadId, version)));
  return { ...report, elapsedMs: performance.now() - startedAt, extra: { answeredMs } };
}

async function steady(
  { count }: RoundOrder,
  perSecond: number,
  post: Post,
  untilSeen: UntilSeen,
): Promise<RoundReport> {
  const answers: number[] = [];
  const lags: number[] = [];
  let firstError: string | undefined;
  let failed = 0;
  const one = async (index: number): Promise<void> => {
    const sentAt = performance.now();
    try {
      const { threadId, version } = await post(index);
      const answeredAt = performance.now();
      answers.push(answeredAt - sentAt);
      await untilSeen(threadId, version);
      lags.push(performance.now() - answeredAt);
    } catch (error) {
      failed += 1;
      firstError ??= error instanceof Error ? error.message : String(error);
    }
  };
  const startedAt = performance.now();
  const all: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const aheadMs = (1_000 * index) / perSecond - (performance.now() - startedAt);
    if (aheadMs > 1) await delay(aheadMs);
    all.push(one(index));
  }
  const sendingMs = performance.now() - startedAt;
  await Promise.all(all);
  const { p50: lagP50, p99: lagP99, max: lagMax } = percentiles(Float64Array.from(lags));
  return {
    count: lags.length,
    failed,
    firstError,
    elapsedMs: sendingMs,
    ...percentiles(Float64Array.from(answers)),
    extra: { lagP50, lagP99, lagMax },
  };
}
