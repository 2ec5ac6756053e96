import { journalLayouts } from '../../services/shared/adapters/nats/open-journal.js';
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
  async run({ count = 600, rounds = 5 }): Promise<LineResult> {
    const tables = [];
    const verdicts: Verdict[] = [];
    for (const layout of journalLayouts) {
      const comparisons = await withCommandServers({ layout, bare: false }, async (servers) => {
        const [service] = contestantsOf(servers);
        if (service === undefined) throw new Error('no service');
        const loads = {
          'without the hot thread': 0,
          'hot thread takes 80 %': HOT_PER_SECOND,
          'hot thread takes all it can': Infinity,
        };
        for (const [name, hotPerSecond] of Object.entries(loads)) {
          const load: HotAndOthersOptions = {
            addresses: service.addresses,
            others: OTHERS,
            othersPerSecond: OTHERS_PER_SECOND,
            hotPerSecond,
            hotInFlight: HOT_IN_FLIGHT,
          };
          await servers.driver.open(name, 'hot-and-others', load);
        }
        const contestants = Object.keys(loads).map((name) => ({ name, pids: service.pids }));
        return compareInTurns(servers.driver, contestants, { count, inFlight: 1, rounds, title: layout });
      });
      tables.push({ caption: layout, rows: rowsOf(comparisons) });
      const [without, hot] = comparisons;
      if (without === undefined || hot === undefined) throw new Error('not measured');
      const reached = medianOf(hot, ({ p99 }) => p99) / medianOf(without, ({ p99 }) => p99);
      verdicts.push({ what: `hot thread, ${layout}`, measure: "others' p99 ÷ without it", atMost: 1.5, reached });
    }
    return { title: "The others' latency beside a hot thread", how: HOW, tables, verdicts };
  },
};

const HOW =
  `${OTHERS_PER_SECOND} calls a second to ${OTHERS} threads, at random moments whether or not earlier ones are answered; latency counts from when a call was due. The hot ` +
  `thread gets ${HOT_PER_SECOND} a second in the same way, at most ${HOT_IN_FLIGHT} at once (80 % of the load), or, to show what saturation does, as many as it takes in ` +
  `${HOT_IN_FLIGHT} lanes. It has connections of its own.`;

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
