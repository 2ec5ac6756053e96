import { InMemoryJournal } from './in-memory-journal.js';
import { describeJournalContract } from './journal-contract.js';

describeJournalContract('in memory', () => Promise.resolve(new InMemoryJournal()));
