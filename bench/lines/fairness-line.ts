import { journalLayouts } from '../../platform/nats/open-journal.js';
import type { HotAndOthersOptions } from '../loads/hot-and-others.js';
import { contestantsOf, withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult, Row, Verdict } from '../support/line.js';
import { compareInTurns, comparisonRows, median, type Comparison } from '../support/rounds.js';

const OTHERS = 200;
const OTHERS_PER_SECOND = 100;
/** Together the hot thread then takes 80 % of the load. */
const HOT_PER_SECOND = 4 * OTHERS_PER_SECOND;
const HOT_IN_FLIGHT = 100;

/** What a hot thread costs the others. */
export const fairnessLine: Line = {
  name: 'fairness',
  about: 'p99 of the others while one thread takes 80 % of the load, beside the same without it',
  async run({ count = 300, rounds = 3 }): Promise<LineResult> {
    const tables = [];
    const verdicts: Verdict[] = [];
    for (const layout of journalLayouts) {
      const comparisons = await withCommandServers({ layout, bare: false }, async (servers) => {
        const [service] = contestantsOf(servers);
        if (service === undefined) throw new Error('no service');
        const loads: Record<string, Pick<HotAndOthersOptions, 'hotPerSecond' | 'hotThreads'>> = {
          'without the hot thread': { hotPerSecond: 0 },
          'its load, over 200 threads': { hotPerSecond: HOT_PER_SECOND, hotThreads: 200 },
          'hot thread takes 80 %': { hotPerSecond: HOT_PER_SECOND },
          'hot thread takes all it can': { hotPerSecond: Infinity },
        };
        for (const [name, hot] of Object.entries(loads)) {
          const load: HotAndOthersOptions = {
            addresses: service.addresses,
            others: OTHERS,
            othersPerSecond: OTHERS_PER_SECOND,
            hotInFlight: HOT_IN_FLIGHT,
            ...hot,
          };
          await servers.driver.open(name, 'hot-and-others', load);
        }
        const contestants = Object.keys(loads).map((name) => ({ name, pids: service.pids }));
        return compareInTurns(servers.driver, contestants, { count, inFlight: 1, rounds, title: layout });
      });
      tables.push({ caption: layout, rows: rowsOf(comparisons) });
      const [without, spread, hot] = comparisons.map((one) => medianOf(one, ({ p99 }) => p99));
      if (without === undefined || spread === undefined || hot === undefined) throw new Error('not measured');
      verdicts.push(
        { what: `hot thread, ${layout}`, measure: "others' p99 ÷ without it", atMost: 1.5, reached: hot / without },
        { what: `hot thread, ${layout}`, measure: "others' p99 ÷ its load spread", atMost: 1.5, reached: hot / spread },
      );
    }
    return { title: "The others' latency beside a hot thread", how: HOW, tables, verdicts };
  },
};

const HOW =
  `${OTHERS_PER_SECOND} calls a second to ${OTHERS} threads, at random moments whether or not earlier ones are answered; latency counts from when a call was due. The hot ` +
  `thread gets ${HOT_PER_SECOND} a second in the same way, at most ${HOT_IN_FLIGHT} at once (80 % of the load); beside it the same calls over 200 more threads, which shows what the load costs whoever it is for; and, to show saturation, as many as it takes in ` +
  `${HOT_IN_FLIGHT} lanes. It has connections and a client thread of its own.`;

function medianOf({ rounds }: Comparison, valueOf: (round: Comparison['rounds'][number]) => number): number {
  return median(rounds.map(valueOf));
}

function rowsOf(comparisons: readonly Comparison[]): Row[] {
  const cpu = comparisonRows(comparisons);
  return comparisons.map((comparison, index) => ({
    "the others' latency": comparison.name,
    'p50 ms': medianOf(comparison, ({ p50 }) => p50),
    'p99 ms': medianOf(comparison, ({ p99 }) => p99),
    'p99 min': Math.min(...comparison.rounds.map(({ p99 }) => p99)),
    'p99 max': Math.max(...comparison.rounds.map(({ p99 }) => p99)),
    'others/s': cpu[index]?.median ?? '',
    'hot/s': Math.round(medianOf(comparison, ({ extra }) => extra?.hotPerSecond ?? 0)),
  }));
}
