import { InMemoryFeed } from './in-memory-feed.js';
import { InMemoryJournal } from './in-memory-journal.js';
import { InMemoryReactionStore } from './in-memory-reaction-store.js';
import { describeReactionsContract } from './reactions-contract.js';

describeReactionsContract('in memory', async () => {
  const feed = new InMemoryFeed();
  const operations = new InMemoryReactionStore();
  return {
    journal: new InMemoryJournal(),
    feed: { reader: feed, writer: feed },
    newStore: () => operations,
    operations,
  };
});
