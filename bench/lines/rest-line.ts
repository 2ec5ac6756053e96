import { startEnvoy } from '../../mesh/envoy/testing/start-envoy.js';
import type { RestCallsOptions } from '../loads/rest-calls.js';
import { withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult, Verdict } from '../support/line.js';
import { startBenchProcess } from '../support/processes.js';
import { startReadModel } from '../support/read-model.js';
import { compareInTurns, comparisonRows, ratioOf, verdictsOn, type Round } from '../support/rounds.js';
import { withStops } from '../support/stops.js';

const THREADS = 1_000;
const IN_FLIGHT = 64;

/** The older REST calls through Envoy, beside the bare servers behind an Envoy with the same configuration. */
export const restLine: Line = {
  name: 'rest',
  about: 'the older REST API through Envoy, beside the bare servers behind the same Envoy and transcoder',
  run: ({ count = 3_000, rounds = 5 }) =>
    withCommandServers({}, ({ nats, services, bare: bareCommands, driver }) =>
      withStops(async (started): Promise<LineResult> => {
        const { mySql, threads } = await startReadModel(THREADS);
        started(mySql);
        const env = { MYSQL_URL: mySql.url, NATS_URL: nats.url, METRICS_PORT: '0' };
        const bareQueries = started(await startBenchProcess('bench/references/bare-queries.ts', { env }));
        const queries = started(await startBenchProcess('services/thread/query/main.ts', { env }));
        const [commands] = services;
        if (commands === undefined || bareCommands === undefined) throw new Error('no thread-command');
        const tables = [];
        const verdicts: Verdict[] = [];
        for (const [kind, what, pairs] of [
          ['get', 'GET of a thread', { bare: bareQueries, services: queries }],
          ['add', 'POST messages/add', { bare: bareCommands, services: commands }],
        ] as const) {
          const contestants = [];
          for (const [name, process] of Object.entries(pairs)) {
            const envoy = started(await startEnvoy(process.port));
            const load: RestCallsOptions = { url: envoy.url, kind, threads };
            await driver.open(`${kind} ${name}`, 'rest-calls', load);
            const pids = { service: [process.pid], envoy: [envoy.pid], nats: [nats.pid], mysql: [mySql.pid] };
            contestants.push({ name: `${kind} ${name}`, pids });
          }
          const comparisons = await compareInTurns(driver, contestants, {
            count,
            inFlight: IN_FLIGHT,
            rounds,
            title: `rest ${kind}`,
          });
          const [reference, subject] = comparisons;
          tables.push({ caption: what, rows: comparisonRows(comparisons) });
          verdicts.push(...verdictsOn(`${what} (REST)`, subject, reference, { atLeast: 0.8 }));
          if (subject === undefined || reference === undefined) continue;
          verdicts.push({
            what: `${what} (REST)`,
            measure: `CPU per operation of service and Envoy ÷ ${reference.name}`,
            atMost: 1.3,
            reached: ratioOf(subject, reference, cpuBehindTheEdge),
          });
        }
        return {
          title: 'The older REST API beside the bare servers behind the same Envoy',
          how:
            `${IN_FLIGHT} calls in flight over HTTP/1.1 on connections that stay; each side has an Envoy of its own with the ` +
            'configuration of `npm start`, one worker, its access log on.',
          tables,
          verdicts,
        };
      }),
    ),
};

function cpuBehindTheEdge({ cpu }: Round): number {
  return (cpu.service ?? 0) + (cpu.envoy ?? 0);
}
