import { journalLayouts } from '../../platform/nats/open-journal.js';
import type { AddMessagesOptions } from '../loads/add-messages.js';
import { contestantsOf, withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult } from '../support/line.js';
import { compareInTurns, comparisonRows } from '../support/rounds.js';

/** AddMessages with one and with two processes of thread-command. */
export const instancesLine: Line = {
  name: 'instances',
  about: 'AddMessages with two thread-command processes, beside one',
  async run({ count = 4_000, rounds = 5 }): Promise<LineResult> {
    const tables = [];
    for (const layout of journalLayouts) {
      const comparisons = await withCommandServers({ layout, bare: false }, (one) =>
        withCommandServers({ layout, bare: false, instances: 2 }, async (two) => {
          const contestants = [
            ...contestantsOf(one).map((contestant) => ({ ...contestant, name: 'one instance' })),
            ...contestantsOf(two).map((contestant) => ({ ...contestant, name: 'two instances' })),
          ];
          for (const { name, addresses } of contestants) {
            await one.driver.open(name, 'add-messages', { addresses, threads: 1_000 } satisfies AddMessagesOptions);
          }
          return compareInTurns(one.driver, contestants, { count, inFlight: 100, rounds, title: layout });
        }),
      );
      tables.push({ caption: layout, rows: comparisonRows(comparisons) });
    }
    return {
      title: 'Two instances beside one',
      how: 'As AddMessages above. With two instances the client spreads its calls over both without knowing the owners: half of them travel through NATS to the other one.',
      tables,
      verdicts: [],
      notes: [
        'On two cores that the client and nats-server need as well, a second process cannot add throughput: what the line shows is what a hop to the owner costs. ' +
          'With a core for each process, throughput is bounded by (CPU of one call at its first instance + share of routed calls × the hop).',
      ],
    };
  },
};
