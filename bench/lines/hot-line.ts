import { journalLayouts } from '../../platform/nats/open-journal.js';
import type { AddMessagesOptions } from '../loads/add-messages.js';
import { withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult } from '../support/line.js';
import { compareInTurns, comparisonRows, verdictsOn } from '../support/rounds.js';

/** AddMessages to one thread beside the same over 1,000 threads. */
export const hotLine: Line = {
  name: 'hot',
  about: 'AddMessages to one hot thread, beside the same over 1,000 threads',
  async run({ count = 4_000, rounds = 5 }): Promise<LineResult> {
    const tables = [];
    const verdicts = [];
    for (const layout of journalLayouts) {
      const comparisons = await withCommandServers({ layout, bare: false }, async ({ nats, services, driver }) => {
        const pids = { service: services.map(({ pid }) => pid), nats: [nats.pid] };
        const addresses = services.map(({ address }) => address);
        const contestants = [
          { name: '1,000 threads', threads: 1_000 },
          { name: 'one thread', threads: 1 },
        ];
        for (const { name, threads } of contestants) {
          await driver.open(name, 'add-messages', {
            addresses,
            threads,
            freshEachRound: threads === 1,
          } satisfies AddMessagesOptions);
        }
        return compareInTurns(
          driver,
          contestants.map(({ name }) => ({ name, pids })),
          { count: Math.min(count, MOST_OF_ONE_THREAD), inFlight: 100, rounds, title: layout },
        );
      });
      tables.push({ caption: layout, rows: comparisonRows(comparisons) });
      const [many, one] = comparisons;
      verdicts.push(...verdictsOn(`one hot thread, ${layout}`, one, many, { atLeast: 0.8, atMostCpu: 1.2 }));
    }
    return {
      title: 'One hot thread beside 1,000 threads',
      how: 'The same load as above, 100 calls in flight, all of them to one thread, another one each round: a thread holds 5,000 messages at most.',
      tables,
      verdicts,
    };
  },
};

/** A thread holds no more messages. */
const MOST_OF_ONE_THREAD = 5_000;
