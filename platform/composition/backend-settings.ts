import { DEFAULT_BUCKETS } from '../nats/bucketed-journal.js';
import { DEFAULT_PARTITIONS } from '../nats/feed-stream.js';
import { withCredentials } from '../nats/nats-address.js';
import { journalLayouts } from '../nats/open-journal.js';
import { choice, combined, group, integer, invalidSetting, LONGEST_MS, text, url } from '../process/settings.js';

/** NATS_URL, with NATS_USER and NATS_PASSWORD written into it. */
export const natsUrl = combined(
  {
    url: url('NATS_URL', { default: 'nats://127.0.0.1:4222' }, 'one server, or several with commas between them'),
    user: text(
      'NATS_USER',
      { default: '' },
      'what NATS wants to hear, with the next one; both or none. While it refuses, the log says so once, and connecting goes on',
    ),
    password: text('NATS_PASSWORD', { default: '' }, 'goes with the former'),
  },
  ({ url, user, password }) => {
    if (user === '' && password === '') return url;
    const missing = user === '' ? 'NATS_USER' : password === '' ? 'NATS_PASSWORD' : undefined;
    if (missing === undefined) return withCredentials(url, user, password);
    throw invalidSetting(`${missing} is not set: NATS_USER and NATS_PASSWORD go together`);
  },
);

/** How NATS is reached, and how much of it streams take. */
export const natsSettings = {
  natsUrl,
  natsReplicas: integer(
    'NATS_REPLICAS',
    { default: 1, minimum: 1, maximum: 5 },
    'copies of each stream in a NATS cluster',
  ),
};

const feedStorage = choice(
  'FEED_STORAGE',
  ['memory', 'file'],
  { default: 'memory' },
  '`file` keeps the feed over a restart of NATS, at twice the flushes; without it the projector repairs from the journal',
);

/** What all processes of an installation must have the same. */
export const installation = group({
  journalLayout: choice(
    'JOURNAL_LAYOUT',
    journalLayouts,
    { default: 'per-thread' },
    '`per-thread` or `bucketed`; `npm run admin -- thread journal migrate` changes it',
  ),
  journalBuckets: integer(
    'JOURNAL_BUCKETS',
    { default: DEFAULT_BUCKETS, minimum: 1, maximum: 1_024 },
    'streams of the bucketed layout; never changes',
  ),
  partitions: integer(
    'PARTITIONS',
    { default: DEFAULT_PARTITIONS, minimum: 1, maximum: 4_096 },
    'parts that threads are owned and projected in; never changes',
  ),
});

/** What every process that reads or writes the feed is told of it. */
export const feedSettings = { ...natsSettings, feedStorage, installation };

/** At so many streams nothing new is created. */
export const journalMaxStreams = integer(
  'JOURNAL_MAX_STREAMS',
  { default: 10_000, minimum: 1 },
  'with `per-thread`: at so many streams no new thread is created; a warning from 80 % on',
);

/** MYSQL_URL */
export const mysqlUrl = url(
  'MYSQL_URL',
  { default: 'mysql://root@127.0.0.1:3306/threadweaver' },
  'where the read model lies',
);

/** ACCOUNT_MYSQL_URL */
export const accountMysqlUrl = url(
  'ACCOUNT_MYSQL_URL',
  { default: 'mysql://root@127.0.0.1:3306/threadweaver_account' },
  "where people's accounts lie: a database of their own",
);

/** How a process that answers from a database uses it. */
export const databaseSettings = {
  mysqlMaxConnections: integer('MYSQL_MAX_CONNECTIONS', { default: 10, minimum: 1 }, 'connections to MySQL'),
  mysqlConnectTimeoutMs: integer(
    'MYSQL_CONNECT_TIMEOUT_MS',
    { default: 1_000, minimum: 1 },
    'how long opening a connection may take',
  ),
  mysqlAcquireTimeoutMs: integer(
    'MYSQL_ACQUIRE_TIMEOUT_MS',
    { default: 1_500, minimum: 1 },
    'how long a call may wait for a free connection',
  ),
  mysqlStatementTimeoutMs: integer(
    'MYSQL_STATEMENT_TIMEOUT_MS',
    { default: 2_000, minimum: 1 },
    'how long one query may take; the server ends it then',
  ),
  healthCheckEveryMs: integer(
    'HEALTH_CHECK_EVERY_MS',
    { default: 2_000, minimum: 10, maximum: LONGEST_MS },
    'how often the database is asked for a sign of life',
  ),
  maxQueuedPerClient: integer(
    'MAX_QUEUED_PER_CLIENT',
    { default: 1_000, minimum: 1 },
    'so many queries of one client may wait for their turn at the database; more are RESOURCE_EXHAUSTED (OVERLOADED)',
  ),
};
