import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startNatsServer } from '../../mesh/servers/index.js';
import type { AddMessagesOptions } from '../loads/add-messages.js';
import { contestantsOf, serviceEnv, withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult } from '../support/line.js';
import { startBenchProcess } from '../support/processes.js';
import { compareInTurns, comparisonRows, verdictsOn, type Contestant } from '../support/rounds.js';

const LAYOUT = 'bucketed';
const shares = ['0.01', '1'];

/** AddMessages by thread-command that records no traces, beside the same that does. */
export const tracingLine: Line = {
  name: 'tracing',
  about: 'AddMessages with traces of 1 % and of all calls, beside none',
  run: ({ count = 4_000, rounds = 7 }): Promise<LineResult> =>
    withCommandServers({ layout: LAYOUT, bare: false }, async (servers) => {
      const stops: (() => Promise<void>)[] = [];
      try {
        const receiver = createServer((request, response) => request.resume().on('end', () => response.end()));
        await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
        stops.push(async () => void receiver.close().closeAllConnections());
        const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
        const contestants: (Contestant & { readonly addresses: readonly string[] })[] = contestantsOf(servers);
        for (const share of shares) {
          // With a NATS of its own: on one, the two would share the threads.
          const nats = await startNatsServer();
          stops.push(() => nats.stop());
          const service = await startBenchProcess('services/thread/command/main.ts', {
            env: {
              ...serviceEnv(nats, LAYOUT),
              ...{ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share },
            },
          });
          stops.push(() => service.stop());
          contestants.push({
            name: `${Number(share) * 100} % traced`,
            addresses: [service.address],
            pids: { service: [service.pid], nats: [nats.pid] },
          });
        }
        for (const { name, addresses } of contestants) {
          await servers.driver.open(name, 'add-messages', { addresses, threads: 200 } satisfies AddMessagesOptions);
        }
        const title = 'tracing';
        const comparisons = await compareInTurns(servers.driver, contestants, { count, inFlight: 100, rounds, title });
        const [off, sampled] = comparisons;
        return {
          title: 'Traces beside none',
          how: '100 calls in flight over 200 threads, one message of 100 characters each; spans of 1 %, and of all, go to a receiver that drops them.',
          tables: [{ rows: comparisonRows(comparisons) }],
          verdicts: verdictsOn('AddMessages, 1 % traced', sampled, off, { atMostCpu: 1.05 }),
        };
      } finally {
        for (const stop of stops.toReversed()) await stop();
      }
    }),
};
