import { InMemoryRejectionLog } from './in-memory-rejection-log.js';
import { describeRejectionLogContract } from './rejection-log-contract.js';

describeRejectionLogContract('in memory', () => {
  const log = new InMemoryRejectionLog();
  return Promise.resolve([log, log]);
});
