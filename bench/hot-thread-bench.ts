import { ulid } from 'ulid';
import { NatsLink } from '../platform/nats/nats-link.js';
import { journalLayouts, openJournal } from '../platform/nats/open-journal.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { someCommit } from '../platform/testing/journal-contract.js';
import { startNatsServer } from '../mesh/servers/index.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

const IN_FLIGHT = 100;
const ROUNDS = 5;

/**
 * Appends to one aggregate, 100 in flight, each after the one before: per-thread, where they are pipelined, and bucketed,
 * where each waits for the acknowledgement of the one before. In rounds interleaved with each other.
 */
export async function benchHotThread({ count = 2_000 }: { count: number | undefined }): Promise<void> {
  const server = await startNatsServer();
  const link = await NatsLink.open({ url: server.url, name: 'bench', logger: createLogger('bench', 'silent') });
  try {
    const runs = journalLayouts.map((layout) => ({
      layout,
      journal: openJournal(link, { prefix: 'THREAD', layout }),
      id: ulid(),
      version: 0,
      perSecond: [] as number[],
    }));
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const run of runs) {
        showProgress(`round ${round} of ${ROUNDS}: ${run.layout}`);
        const startedAt = performance.now();
        const last = run.version + count;
        const lane = async (): Promise<void> => {
          while (run.version < last) {
            const version = run.version;
            run.version += 1;
            const before = version === 0 ? undefined : someCommit(`${version - 1}`).commandId;
            await run.journal.append(run.id, version, someCommit(`${version}`), before);
          }
        };
        await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
        // Round 0 warms up.
        if (round > 0) run.perSecond.push((1_000 * count) / (performance.now() - startedAt));
      }
    }
    endProgress();
    const [reference] = runs.map(({ perSecond }) => summarize(perSecond).p50);
    printTable(
      runs.map(({ layout, perSecond }) => {
        const { min, p50, max } = summarize(perSecond);
        const ofReference = p50 / (reference ?? NaN);
        return { 'appends/s to one thread, synced': layout, min, median: p50, max, 'of per-thread': ofReference };
      }),
    );
  } finally {
    await link.close();
    await server.stop();
  }
}
