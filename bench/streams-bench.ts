import { readdirSync } from 'node:fs';
import { ulid } from 'ulid';
import { StreamPerAggregateJournal } from '../platform/nats/stream-per-aggregate-journal.js';
import { NatsLink } from '../platform/nats/nats-link.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { someCommit } from '../platform/testing/journal-contract.js';
import { startNatsServer } from '../mesh/servers/index.js';
import { residentMib } from './scaling/footprint.js';
import { closedLoop } from './support/load.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

const PARALLEL = 16;

/**
 * Fills one nats-server with a stream per aggregate and measures at some sizes what a new one, an append and a restart
 * cost, against the same at the first size.
 */
export async function benchStreams({ count = 10_000 }: { count: number | undefined }): Promise<void> {
  const server = await startNatsServer();
  const link = await NatsLink.open({ url: server.url, name: 'bench', logger: createLogger('bench', 'silent') });
  try {
    const journal = new StreamPerAggregateJournal(link, { prefix: 'THREAD', maxStreams: 2 * count }, () => undefined);
    const ids: string[] = [];
    const rows: Record<string, number>[] = [];
    let first: number | undefined;
    for (const size of [count / 10, count / 2, count].map(Math.round)) {
      const creates = await closedLoop({ count: size - ids.length, inFlight: PARALLEL }, async () => {
        const id = ulid();
        await journal.append(id, 0, someCommit('created'));
        ids.push(id);
        if (ids.length % 100 === 0) showProgress(`${ids.length} of ${count} streams`);
      });
      const version = rows.length + 1;
      const sample = ids.filter((_, index) => index % Math.ceil(ids.length / 500) === 0);
      const appends: number[] = [];
      for (const id of sample) {
        const startedAt = performance.now();
        await appendNext(journal, id, version);
        appends.push(performance.now() - startedAt);
      }
      endProgress();
      if (creates.failed > 0) throw new Error(creates.firstError);
      const perSecond = (1_000 * creates.count) / creates.elapsedMs;
      first ??= perSecond;
      const append = summarize(appends);
      rows.push({
        streams: ids.length,
        'create p50 ms': creates.p50,
        'creates/s': perSecond,
        'of the first': perSecond / first,
        'append p50 ms': append.p50,
        'append p99 ms': append.p99,
        'server MiB': Math.round(residentMib(server.pid)),
        'open files': readdirSync(`/proc/${server.pid}/fd`).length,
      });
    }
    const startedAt = performance.now();
    await server.restart();
    const restartS = (performance.now() - startedAt) / 1_000;
    printTable(rows);
    console.log(`  restart with ${ids.length} streams: ${restartS.toFixed(1)} s`);
  } finally {
    await link.close();
    await server.stop();
  }
}

/** The sampled streams of different sizes overlap, so that their versions are not known. */
async function appendNext(journal: StreamPerAggregateJournal, id: string, atMost: number): Promise<void> {
  for (let version = 1; version <= atMost; version += 1) {
    try {
      return await journal.append(id, version, someCommit(`${version}`));
    } catch (error) {
      if (version === atMost) throw error;
    }
  }
}
