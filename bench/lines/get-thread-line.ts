import type { GetThreadOptions } from '../loads/get-thread.js';
import { LoadDriver } from '../support/load-driver.js';
import type { Line, LineResult } from '../support/line.js';
import { startBenchProcess } from '../support/processes.js';
import { startReadModel } from '../support/read-model.js';
import { compareInTurns, comparisonRows, verdictsOn } from '../support/rounds.js';
import { withStops } from '../support/stops.js';

const THREADS = 1_000;
const IN_FLIGHT = 64;
const FEW = 4;

/** GetThread beside a bare server with the same SELECT. */
export const getThreadLine: Line = {
  name: 'get',
  about: `GetThread, ${IN_FLIGHT} in flight, beside the same prepared SELECT behind grpc-js`,
  run: ({ count = 6_000, rounds = 5 }) =>
    withStops(async (started): Promise<LineResult> => {
      const { mySql, threads } = await startReadModel(THREADS);
      started(mySql);
      // Queries need no NATS.
      const env = { MYSQL_URL: mySql.url, NATS_URL: 'nats://127.0.0.1:1', METRICS_PORT: '0' };
      const bare = started(await startBenchProcess('bench/references/bare-queries.ts', { env }));
      const alone = started(
        await startBenchProcess('bench/references/bare-queries.ts', { env: { ...env, BENCH_SELECT: 'none' } }),
      );
      const service = started(await startBenchProcess('services/thread/query/main.ts', { env }));
      const driver = new LoadDriver();
      started({ stop: () => driver.close() });
      const contestants = [];
      for (const [name, process] of Object.entries({
        bare,
        'thread-query': service,
        'grpc-js alone, no SELECT': alone,
      })) {
        const load: GetThreadOptions = { addresses: [process.address], threads };
        await driver.open(name, 'get-thread', load);
        contestants.push({ name, pids: { service: [process.pid], mysql: [mySql.pid] } });
      }
      const order = { rounds, title: 'get' };
      const comparisons = await compareInTurns(driver, contestants, { ...order, count, inFlight: IN_FLIGHT });
      const few = await compareInTurns(driver, contestants, { ...order, count: Math.ceil(count / 3), inFlight: FEW });
      const [reference, subject] = comparisons;
      return {
        title: 'GetThread beside the bare SELECT',
        how: `4 connections, ${THREADS} threads that the callers see, 10 database connections each.`,
        tables: [
          { caption: `${IN_FLIGHT} in flight`, rows: comparisonRows(comparisons) },
          { caption: `${FEW} in flight, where hardly two calls meet in a turn`, rows: comparisonRows(few) },
        ],
        verdicts: verdictsOn('GetThread', subject, reference, { atLeast: 0.8, atMostCpu: 1.4 }),
      };
    }),
};
