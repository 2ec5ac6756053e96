import { migrateDatabase } from '../../platform/mysql/migrate-database.js';
import { journalLayouts, type JournalLayout } from '../../platform/nats/open-journal.js';
import { startMySqlServer, startNatsServer } from '../../mesh/servers/index.js';
import { migrations } from '../../services/thread/projector/migrations/index.js';
import type { PipelineOptions } from '../loads/pipeline.js';
import { serviceEnv } from '../support/command-servers.js';
import type { Line, LineResult, Row, RunOptions, Verdict } from '../support/line.js';
import { LoadDriver } from '../support/load-driver.js';
import { startBenchProcess } from '../support/processes.js';
import { compareInTurns, median, perSecond } from '../support/rounds.js';
import { withStops } from '../support/stops.js';

const THREADS = 500;
const SHARE = 0.7;

/** How far the read model is behind under a load of 70 % of what the pipeline can take. */
export const lagLine: Line = {
  name: 'lag',
  about: 'from the answer to a command until its rows are there, at 70 % of what commands and projector can take',
  async run(options): Promise<LineResult> {
    const rows: Row[] = [];
    const verdicts: Verdict[] = [];
    for (const layout of journalLayouts) {
      const measured = await measureLag(layout, options);
      rows.push({ 'at 70 % of capacity': layout, ...measured });
      verdicts.push({
        what: `Projection lag, ${layout}`,
        measure: 'p99 at 70 % of capacity',
        atMost: 100,
        unit: ' ms',
        reached: measured['lag p99'],
      });
    }
    return {
      title: 'Projection lag at 70 % of capacity',
      how:
        `AddMessages over ${THREADS} threads, one thread-command and one projector. Capacity: 100 in flight, until the read model ` +
        'has the last one, median of three rounds. Then 70 % of it, sent by the clock: milliseconds from each answer until the ' +
        'read model has it, seen by polling every 1 to 4 ms, which is part of the figures; median, and the worst p99, of the rounds.',
      tables: [{ rows }],
      verdicts,
    };
  },
};

function measureLag(layout: JournalLayout, { count = 3_000, rounds = 3 }: RunOptions) {
  return withStops(async (started) => {
    const nats = started(await startNatsServer());
    const mySql = started(await startMySqlServer({ bufferPoolMib: 256 }));
    await migrateDatabase({ url: mySql.url, migrations, report: () => undefined });
    const env = { ...serviceEnv(nats, layout), MYSQL_URL: mySql.url };
    const command = started(await startBenchProcess('services/thread/command/main.ts', { env }));
    const projector = started(await startBenchProcess('services/thread/projector/main.ts', { env }));
    const driver = new LoadDriver();
    started({ stop: () => driver.close() });
    const pids = {
      service: [command.pid],
      projector: [projector.pid],
      nats: [nats.pid],
      mysql: [mySql.pid],
    };
    const load: PipelineOptions = { address: command.address, mySqlUrl: mySql.url, threads: THREADS };
    await driver.open('burst', 'pipeline', load);
    const order = { count, inFlight: 100, rounds };
    const title = `lag ${layout}`;
    const [burst] = await compareInTurns(driver, [{ name: 'burst', pids }], { ...order, title: `${title}: capacity` });
    const capacity = median(burst?.rounds.map(perSecond) ?? []);
    const steadyLoad: PipelineOptions = { ...load, perSecond: SHARE * capacity };
    await driver.open('steady', 'pipeline', steadyLoad);
    const [steady] = await compareInTurns(driver, [{ name: 'steady', pids }], { ...order, title });
    const rounds_ = steady?.rounds ?? [];
    const extras = (name: string): number[] => rounds_.map(({ extra }) => extra?.[name] ?? NaN);
    const cpuOf = (group: string): number => Math.round(median(rounds_.map(({ cpu }) => cpu[group] ?? 0)));
    return {
      'capacity, commands/s': Math.round(capacity),
      'sent/s': Math.round(median(rounds_.map(perSecond))),
      'lag p50': median(extras('lagP50')),
      'lag p99': Math.max(...extras('lagP99')),
      'lag max': Math.max(...extras('lagMax')),
      'answer p99': Math.max(...rounds_.map(({ p99 }) => p99)),
      'CPU µs/command: thread-command': cpuOf('service'),
      projector: cpuOf('projector'),
      nats: cpuOf('nats'),
      mysql: cpuOf('mysql'),
    };
  });
}
