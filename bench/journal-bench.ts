import { ulid } from 'ulid';
import { JetStreamFeedWriter } from '../platform/nats/jetstream-feed-writer.js';
import { StreamPerAggregateJournal } from '../platform/nats/stream-per-aggregate-journal.js';
import { NatsLink } from '../platform/nats/nats-link.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { someCommit } from '../platform/testing/journal-contract.js';
import { startNatsServer } from '../mesh/servers/index.js';
import { endProgress, printTable, showProgress, summarize } from './table.js';

const STREAMS = 500;
const IN_FLIGHT = 100;
const ROUNDS = 5;

/**
 * Appends with 100 in flight over 500 aggregates, in rounds interleaved with the reference: bare fenced publishes of the
 * same bytes to the same streams. With the feed in memory and on file, to show what the copy costs.
 */
export async function benchJournal({ count = 4_000 }: { count: number | undefined }): Promise<void> {
  const server = await startNatsServer();
  const logger = createLogger('bench', 'silent');
  const link = await NatsLink.open({ url: server.url, name: 'bench', logger });
  try {
    const journal = new StreamPerAggregateJournal(link, { prefix: 'THREAD' }, () => undefined);
    const ids = Array.from({ length: STREAMS }, () => ulid());
    await Promise.all(ids.map((id) => journal.append(id, 0, someCommit('created'))));
    const versions = new Map(ids.map((id) => [id, 1]));
    const payload = Buffer.from(JSON.stringify(someCommit('payload')));

    const inMemory = await openFeed(link, 'MEMORY', 'memory');
    const onFile = await openFeed(link, 'FILE', 'file');
    const ways: Record<string, (id: string, version: number) => Promise<void>> = {
      'bare fenced publish (reference)': async (id, version) => {
        const expect = { lastSequence: version };
        await link.jetstream.publish(`thread.journal.${id}`, payload, { expect });
      },
      'journal append': (id, version) => journal.append(id, version, someCommit(`${version}`)),
      'with its copy in a feed in memory': (id, version) => appendWithCopy(journal, inMemory, id, version),
      'with its copy in a feed on file': (id, version) => appendWithCopy(journal, onFile, id, version),
    };
    const perSecond = new Map(Object.keys(ways).map((way) => [way, [] as number[]]));
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [way, write] of Object.entries(ways)) {
        showProgress(`round ${round} of ${ROUNDS}: ${way}`);
        const startedAt = performance.now();
        await spread(ids, count, async (id) => {
          const version = versions.get(id) ?? 0;
          await write(id, version);
          versions.set(id, version + 1);
        });
        await Promise.all([inMemory.flush(60_000), onFile.flush(60_000)]);
        // Round 0 warms up.
        if (round > 0) perSecond.get(way)?.push((1_000 * count) / (performance.now() - startedAt));
      }
    }
    endProgress();
    const [reference] = [...perSecond.values()].map((samples) => summarize(samples).p50);
    printTable(
      [...perSecond].map(([way, samples]) => {
        const { min, p50, max } = summarize(samples);
        return { 'appends/s, synced': way, min, median: p50, max, 'of reference': p50 / (reference ?? NaN) };
      }),
    );
  } finally {
    await link.close();
    await server.stop();
  }
}

async function openFeed(link: NatsLink, prefix: string, storage: 'memory' | 'file'): Promise<JetStreamFeedWriter> {
  const feed = new JetStreamFeedWriter(link, { prefix, storage, logger: createLogger('bench', 'silent') });
  await feed.announceTakeover();
  return feed;
}

async function appendWithCopy(
  journal: StreamPerAggregateJournal,
  feed: JetStreamFeedWriter,
  id: string,
  version: number,
): Promise<void> {
  const commit = someCommit(`${version}`);
  await journal.append(id, version, commit);
  feed.publish({ ...commit, aggregateId: id, version: version + 1 });
}

/** Works through the ids in turn, so many at once; each id is worked on by one at a time. */
async function spread(ids: readonly string[], count: number, work: (id: string) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, lane) => {
      const own = ids.filter((_id, index) => index % IN_FLIGHT === lane);
      for (let turn = 0; next < count; turn += 1) {
        next += 1;
        await work(own[turn % own.length] ?? '');
      }
    }),
  );
}
