import { ulid } from 'ulid';
import { freshDatabaseUrl, sharedNatsUrl } from '../../mesh/servers/index.js';
import { Database } from '../mysql/database.js';
import { migrateDatabase } from '../mysql/migrate-database.js';
import { MySqlProjectionStore } from '../mysql/projection-store.js';
import { MySqlReactionOperations } from '../mysql/reaction-operations.js';
import { migrationsOf } from '../mysql/projection-tables.js';
import { reactionProjection } from '../mysql/reaction-projection.js';
import { JetStreamFeedReader } from '../nats/jetstream-feed-reader.js';
import { JetStreamFeedWriter } from '../nats/jetstream-feed-writer.js';
import { NatsLink } from '../nats/nats-link.js';
import { openJournal } from '../nats/open-journal.js';
import { createLogger } from '../telemetry/logger.js';
import { describeReactionsContract } from '../testing/reactions-contract.js';

describe('with real servers', () => {
  let url: string;
  let database: Database;
  before(async () => {
    url = await freshDatabaseUrl();
    database = new Database({ url, maxConnections: 4 });
  });
  after(() => database.close());

  describeReactionsContract('JetStream and MySQL', async () => {
    const logger = createLogger('test', 'silent');
    const link = await NatsLink.open({ url: await sharedNatsUrl(), name: 'reactions-test', logger });
    const prefix = `R${ulid().slice(-10)}`;
    const reaction = `r${ulid().slice(-10).toLowerCase()}`;
    const projection = reactionProjection(reaction);
    await migrateDatabase({ url, migrations: migrationsOf(projection), report: () => undefined });
    const writer = new JetStreamFeedWriter(link, { prefix, logger });
    return {
      journal: openJournal(link, { prefix, layout: 'bucketed', buckets: 4 }),
      feed: { reader: new JetStreamFeedReader(link, { prefix }), writer },
      newStore: () => new MySqlProjectionStore(database, projection.rows, { projection }),
      operations: new MySqlReactionOperations(database, reaction),
      close: async () => {
        await writer.flush(1_000);
        await link.close();
      },
    };
  });
});
