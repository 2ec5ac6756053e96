import { ulid } from 'ulid';
import { freshDatabaseUrl, sharedNatsUrl } from '../../mesh/servers/index.js';
import { Database } from '../mysql/database.js';
import { migrateDatabase } from '../mysql/migrate-database.js';
import { MySqlProjectionStore } from '../mysql/projection-store.js';
import { MySqlReactionOperations } from '../mysql/reaction-operations.js';
import { reactionKeyOf, reactionMigrations, reactionRows } from '../mysql/reaction-tables.js';
import { JetStreamFeedReader } from '../nats/jetstream-feed-reader.js';
import { JetStreamFeedWriter } from '../nats/jetstream-feed-writer.js';
import { NatsLink } from '../nats/nats-link.js';
import { openJournal } from '../nats/open-journal.js';
import { createLogger } from '../telemetry/logger.js';
import { describeReactionsContract } from '../testing/reactions-contract.js';

describe('with real servers', () => {
  let database: Database;
  before(async () => {
    const url = await freshDatabaseUrl();
    await migrateDatabase({ url, migrations: reactionMigrations, report: () => undefined });
    database = new Database({ url, maxConnections: 4 });
  });
  after(() => database.close());

  describeReactionsContract('JetStream and MySQL', async () => {
    const logger = createLogger('test', 'silent');
    const link = await NatsLink.open({ url: await sharedNatsUrl(), name: 'reactions-test', logger });
    const prefix = `R${ulid().slice(-10)}`;
    const reaction = `r${ulid()}`;
    const writer = new JetStreamFeedWriter(link, { prefix, logger });
    return {
      journal: openJournal(link, { prefix, layout: 'bucketed', buckets: 4 }),
      feed: { reader: new JetStreamFeedReader(link, { prefix }), writer },
      newStore: () =>
        new MySqlProjectionStore(database, reactionRows(reaction), { projection: reactionKeyOf(reaction) }),
      operations: new MySqlReactionOperations(database, reaction),
      close: async () => {
        await writer.flush(1_000);
        await link.close();
      },
    };
  });
});
