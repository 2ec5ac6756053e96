import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { KvSnapshotStore } from '../../platform/nats/kv-snapshot-store.js';
import { openJournal, journalLayouts, type JournalLayout } from '../../platform/nats/open-journal.js';
import { AggregateHost } from '../../platform/commands/aggregate-host.js';
import { partitionOf } from '../../platform/ownership/partition.js';
import { threadAggregate } from '../../services/thread/command/adapters/thread-aggregate.js';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { startNatsServer } from '../../mesh/servers/index.js';
import { BUCKETS, fillJournal } from './fill-journal.js';
import type { MeasuredHistory } from './measured.js';
import { median } from '../support/rounds.js';
import { commitAt, someThread, type BenchThread } from './thread-history.js';

/** Threads of so many messages each, and how many of them; `inOneBucket` sets their commits far apart. */
interface Case {
  readonly messages: number;
  readonly threads: number;
  readonly inOneBucket?: boolean;
}

const cases: readonly Case[] = [
  { messages: 10, threads: 500 },
  { messages: 100, threads: 100 },
  { messages: 5_000, threads: 4 },
];
/** With 1,000 commits of others between two of a thread's own. */
const spread: Case = { messages: 100, threads: 1_000, inOneBucket: true };
/** So many of them are loaded. */
const LOADED = 500;
const LOADED_SPREAD = 40;
/** Snapshots are worth saving from so many commits on (aggregate-host.ts). */
const SNAPSHOT_FROM = 50;
const APPENDS = 60;

/** What long and short histories cost, in either layout, in the process of the bench. */
export async function measureHistories(progress: (doing: string) => void): Promise<MeasuredHistory[]> {
  const measured: MeasuredHistory[] = [];
  for (const layout of journalLayouts) {
    const server = await startNatsServer({ syncAlways: false });
    const link = await NatsLink.open({ url: server.url, name: 'bench', logger: createLogger('bench', 'silent') });
    try {
      for (const one of layout === 'bucketed' ? [...cases, spread] : cases) {
        progress(`${layout}: histories of ${one.messages} messages`);
        const threads = Array.from({ length: one.threads }, () => threadOf(one));
        await fillJournal(link, { layout, threads, commits: 1 + one.messages });
        measured.push(await measureCase(link, layout, one, threads));
      }
    } finally {
      await link.close();
      await server.stop();
    }
  }
  return measured;
}

function threadOf({ inOneBucket = false }: Case): BenchThread {
  for (;;) {
    const thread = someThread();
    if (!inOneBucket || partitionOf(thread.id, BUCKETS) === 0) return thread;
  }
}

async function measureCase(
  link: NatsLink,
  layout: JournalLayout,
  { messages, inOneBucket = false }: Case,
  threads: readonly BenchThread[],
): Promise<MeasuredHistory> {
  const loaded = threads.slice(0, inOneBucket ? LOADED_SPREAD : LOADED);
  const journal = openJournal(link, { prefix: 'THREAD', layout, maxStreams: 1_000_000 });
  const newHost = () =>
    new AggregateHost(() => threadAggregate, {
      journal,
      onCommitted: () => undefined,
      snapshots: {
        store: new KvSnapshotStore(link, { prefix: 'THREAD' }),
        everyCommits: 500,
        onTrouble: (_id, error) => {
          throw error;
        },
      },
    });
  const load = async (host: ReturnType<typeof newHost>): Promise<number[]> => {
    const samples: number[] = [];
    for (const { id } of loaded) {
      const startedAt = performance.now();
      await host.inspect(id, Date.now() + 60_000);
      samples.push(performance.now() - startedAt);
    }
    return samples;
  };
  // Warms up.
  await load(newHost());
  const host = newHost();
  const before = heapBytes();
  const loadMs = median(await load(host));
  const heap = (heapBytes() - before) / loaded.length;
  const estimatedBytes = host.bytes / loaded.length;

  let loadFromSnapshotMs: number | undefined;
  if (messages >= SNAPSHOT_FROM) {
    await host.saveSnapshots(() => true, 60_000);
    loadFromSnapshotMs = median(await load(newHost()));
  }
  const appends: number[] = [];
  const [thread] = threads;
  for (let version = 1 + messages; thread !== undefined && version <= messages + APPENDS; version += 1) {
    const commit = commitAt(thread, version + 1);
    const startedAt = performance.now();
    await journal.append(thread.id, version, commit);
    appends.push(performance.now() - startedAt);
  }
  return {
    layout,
    messages,
    between: layout === 'bucketed' ? Math.max(0, Math.round(threads.length / (inOneBucket ? 1 : BUCKETS)) - 1) : 0,
    loadMs,
    ...(loadFromSnapshotMs !== undefined && { loadFromSnapshotMs }),
    appendP50Ms: median(appends),
    heapBytes: Math.round(heap),
    estimatedBytes: Math.round(estimatedBytes),
  };
}

/** After a collection of all garbage. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
