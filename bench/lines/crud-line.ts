import { startMySqlServer } from '../../mesh/servers/index.js';
import type { AddMessagesOptions } from '../loads/add-messages.js';
import { contestantsOf, withCommandServers } from '../support/command-servers.js';
import type { Line, LineResult } from '../support/line.js';
import { startBenchProcess } from '../support/processes.js';
import { compareInTurns, comparisonRows, verdictsOn } from '../support/rounds.js';

/** AddMessages beside the CRUD service that one would write instead. */
export const crudLine: Line = {
  name: 'crud',
  about: 'AddMessages, beside a CRUD service: one durable MySQL transaction a call, behind grpc-js',
  async run({ count = 4_000, rounds = 9 }): Promise<LineResult> {
    const mySql = await startMySqlServer();
    try {
      const crud = await startBenchProcess('bench/references/crud.ts', { env: { MYSQL_URL: mySql.url } });
      try {
        return await withCommandServers({ bare: false }, async (servers) => {
          const crudService = {
            name: 'CRUD',
            pids: { service: [crud.pid], mysql: [mySql.pid] },
            addresses: [crud.address],
          };
          const contestants = [crudService, ...contestantsOf(servers)];
          for (const { name, addresses } of contestants) {
            await servers.driver.open(name, 'add-messages', { addresses, threads: 1_000 } satisfies AddMessagesOptions);
          }
          const order = { count, inFlight: 100, rounds, title: 'crud' };
          const comparisons = await compareInTurns(servers.driver, contestants, order);
          const [reference, subject] = comparisons;
          return {
            title: 'AddMessages beside the CRUD service one would write instead',
            how: HOW,
            tables: [{ rows: comparisonRows(comparisons) }],
            verdicts: verdictsOn('AddMessages, per-thread', subject, reference, { atLeast: 1.3 }),
          };
        });
      } finally {
        await crud.stop();
      }
    } finally {
      await mySql.stop();
    }
  },
};

const HOW =
  '100 calls in flight over 1,000 threads. The CRUD service (bench/references/crud.ts) is grpc-js, a pool of 32 connections and prepared statements; a call is one ' +
  'transaction: is the account a participant, count up the version, insert the message, commit with a flush (`innodb_flush_log_at_trx_commit=1`). It knows no ' +
  'idempotency, no history, and tells nobody.';
