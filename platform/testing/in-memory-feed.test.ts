import { describeFeedContract } from './feed-contract.js';
import { InMemoryFeed } from './in-memory-feed.js';

describeFeedContract('in memory', async () => {
  const feed = new InMemoryFeed();
  return { reader: feed, writer: feed, recreate: () => feed.recreate() };
});
