import { journalLayouts, type JournalLayout } from '../../platform/nats/open-journal.js';
import type { CreateThreadOptions } from '../loads/create-thread.js';
import { contestantsOf, withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult } from '../support/line.js';
import { compareInTurns, comparisonRows, verdictsOn } from '../support/rounds.js';

/** A stream per thread takes longer than a message in one: so many operations a round. */
const COUNTS: Readonly<Record<JournalLayout, number>> = { 'per-thread': 250, bucketed: 3_000 };

/** CreateThread beside the bare server, in either layout. */
export const createLine: Line = {
  name: 'create',
  about: 'CreateThread, beside bare: a stream and a publish (per-thread), a publish (bucketed)',
  async run({ count, rounds = 5 }): Promise<LineResult> {
    const tables = [];
    const verdicts = [];
    for (const layout of journalLayouts) {
      const comparisons = await withCommandServers({ layout }, async (servers) => {
        const contestants = contestantsOf(servers);
        for (const { name, addresses } of contestants) {
          await servers.driver.open(name, 'create-thread', { addresses } satisfies CreateThreadOptions);
        }
        const perRound = count ?? COUNTS[layout];
        return compareInTurns(servers.driver, contestants, { count: perRound, inFlight: 32, rounds, title: layout });
      });
      tables.push({ caption: layout, rows: comparisonRows(comparisons) });
      const [reference, subject] = comparisons;
      verdicts.push(...verdictsOn(`CreateThread, ${layout}`, subject, reference, { atLeast: 0.8, atMostCpu: 1.4 }));
    }
    return {
      title: 'CreateThread beside bare',
      how: '32 calls in flight over 4 connections, every write flushed. With `per-thread`, both make a stream and publish in it; with `bucketed`, both publish.',
      tables,
      verdicts,
    };
  },
};
