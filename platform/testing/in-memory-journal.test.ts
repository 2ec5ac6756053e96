import { InMemoryJournal } from './in-memory-journal.js';
import { describeJournalContract } from './journal-contract.js';

describeJournalContract('in memory', () => {
  const journal = new InMemoryJournal();
  return Promise.resolve([journal, journal]);
});
