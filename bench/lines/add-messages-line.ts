import { journalLayouts, type JournalLayout } from '../../platform/nats/open-journal.js';
import type { AddMessagesOptions } from '../loads/add-messages.js';
import { contestantsOf, startBare, withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult, RunOptions } from '../support/line.js';
import { compareInTurns, comparisonRows, verdictsOn, type Comparison } from '../support/rounds.js';

const THREADS = 1_000;

/** AddMessages over 1,000 threads beside the bare server, in either layout. */
export const addMessagesLine: Line = {
  name: 'add-messages',
  about: 'AddMessages, 100 in flight over 1,000 threads, beside a bare fenced publish behind grpc-js',
  async run(options): Promise<LineResult> {
    const tables = [];
    const verdicts = [];
    for (const layout of journalLayouts) {
      const comparisons = await measureAddMessages(layout, options);
      const [reference] = comparisons;
      const subject = comparisons.find(({ name }) => name === 'thread-command');
      tables.push({ caption: layout, rows: comparisonRows(comparisons) });
      verdicts.push(...verdictsOn(`AddMessages, ${layout}`, subject, reference, { atLeast: 0.8, atMostCpu: 1.4 }));
    }
    return {
      title: 'AddMessages beside a bare fenced publish',
      how: '100 calls in flight over 1,000 threads, 4 connections, one message of 100 characters each, every write flushed.',
      tables,
      verdicts,
    };
  },
};

function measureAddMessages(layout: JournalLayout, { count = 4_000, rounds = 5 }: RunOptions): Promise<Comparison[]> {
  return withCommandServers({ layout }, async (servers) => {
    const { nats, driver } = servers;
    const light = await startBare(nats, layout, 'light');
    const alone = await startBare(nats, layout, 'none');
    try {
      const contestants = [
        ...contestantsOf(servers),
        {
          name: 'bare, by our publisher',
          addresses: [light.address],
          pids: { service: [light.pid], nats: [nats.pid] },
        },
        { name: 'grpc-js alone: no publish', addresses: [alone.address], pids: { service: [alone.pid] } },
      ];
      for (const { name, addresses } of contestants) {
        await driver.open(name, 'add-messages', { addresses, threads: THREADS } satisfies AddMessagesOptions);
      }
      return await compareInTurns(driver, contestants, { count, inFlight: 100, rounds, title: layout });
    } finally {
      await Promise.all([light.stop(), alone.stop()]);
    }
  });
}
