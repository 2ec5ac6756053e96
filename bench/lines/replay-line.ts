import { ulid } from 'ulid';
import { KvSnapshotStore } from '../../platform/nats/kv-snapshot-store.js';
import { NatsLink } from '../../platform/nats/nats-link.js';
import { journalLayouts, openJournal, type JournalLayout } from '../../platform/nats/open-journal.js';
import { READ_BATCH } from '../../platform/nats/read-stream.js';
import { createLogger } from '../../platform/telemetry/logger.js';
import { loadAggregate } from '../../platform/commands/aggregate-loading.js';
import type { Journal } from '../../platform/journal/journal.js';
import { startNatsServer } from '../../mesh/servers/index.js';
import { threadStateFormat } from '../../services/thread/command/adapters/thread-state-format.js';
import { estimateThreadBytes } from '../../services/thread/command/domain/thread-state.js';
import { threadDecider } from '../../services/thread/command/domain/thread.js';
import { threadEventCodec } from '../../services/thread/events/thread-event-codec.js';
import { commitOf, messagesAdded, threadCreated } from '../../services/thread/projector/test/projection-fixture.js';
import type { Line, LineResult, Row, Verdict } from '../support/line.js';
import { measureInTurns, workRows, type Work } from '../support/works.js';
import { median } from '../support/rounds.js';
import { withStops } from '../support/stops.js';

const COMMITS = 5_000;
/** Half of the commits that lie between two snapshots by default. */
const BEHIND_SNAPSHOT = 250;
const model = {
  decider: threadDecider,
  codec: threadEventCodec,
  estimateBytes: estimateThreadBytes,
  stateFormat: threadStateFormat,
};

/** Loading a thread with a long history, beside a read of its messages that does nothing with them. */
export const replayLine: Line = {
  name: 'replay',
  about: `loading a thread of ${COMMITS} commits, beside a raw batch read of them, and with a snapshot`,
  async run({ count: commits = COMMITS, rounds = 7 }): Promise<LineResult> {
    const tables: { caption: string; rows: Row[] }[] = [];
    const verdicts: Verdict[] = [];
    for (const layout of journalLayouts) {
      const works = await measureReplay(layout, commits, rounds);
      const [raw, replayed, fromSnapshot] = works.map(({ samples }) => median(samples.map(({ ms }) => ms)));
      if (raw === undefined || replayed === undefined || fromSnapshot === undefined) throw new Error('not measured');
      tables.push({ caption: layout, rows: workRows(works, 'commits') });
      verdicts.push(
        { what: `Replay, ${layout}`, measure: 'commits/s ÷ raw batch read', atLeast: 0.5, reached: raw / replayed },
        {
          what: `Replay with a snapshot, ${layout}`,
          measure: 'time without ÷ time with',
          atLeast: 5,
          reached: replayed / fromSnapshot,
        },
      );
    }
    return {
      title: 'Loading a thread with a long history',
      how:
        `A thread of ${commits} commits, a message of 100 characters each, is loaded as for its next command; the reference ` +
        `reads the same messages in the same batches and looks at none. The snapshot is ${BEHIND_SNAPSHOT} commits old.`,
      tables,
      verdicts,
    };
  },
};

function measureReplay(layout: JournalLayout, commits: number, rounds: number): Promise<Work[]> {
  return withStops(async (started) => {
    const nats = started(await startNatsServer());
    const logger = createLogger('bench', 'silent');
    const link = await NatsLink.open({ url: nats.url, name: 'bench', logger });
    started({ stop: () => link.close() });
    const journal = openJournal(link, { prefix: 'BENCH', layout });
    const store = new KvSnapshotStore(link, { prefix: 'BENCH' });
    const id = ulid();
    const creator = ulid();
    await append(journal, id, creator, 1, commits - BEHIND_SNAPSHOT);
    const { version, state, requests } = await loadAggregate(id, model, { journal });
    await store.save(id, {
      version,
      lastCommandId: `command-${version}`,
      requests: requests.upTo(version),
      stateFormat: threadStateFormat.version,
      state: await threadStateFormat.encode(state),
    });
    await append(journal, id, creator, version + 1, commits);
    const [stream] = await link.manager.streams.list(subjectOf(id, layout)).next();
    if (stream === undefined) throw new Error('the thread has no stream');
    const load = async (snapshots: KvSnapshotStore | undefined): Promise<void> => {
      const use = snapshots && {
        store: snapshots,
        everyCommits: Infinity,
        onTrouble(_: string, error: Error) {
          throw error;
        },
      };
      const loaded = await loadAggregate(id, model, { journal, snapshots: use });
      if (loaded.version !== commits) throw new Error(`version ${loaded.version} was loaded`);
    };
    return measureInTurns({
      title: `replay ${layout}`,
      rounds,
      count: commits,
      pids: { node: [process.pid], nats: [nats.pid] },
      works: {
        'raw batch read': () => readRaw(link, stream.config.name, subjectOf(id, layout), commits),
        replay: () => load(undefined),
        'replay from a snapshot': () => load(store),
      },
    });
  });
}

/** Pipelined, as a busy thread's commits are. */
async function append(journal: Journal, id: string, creator: string, from: number, to: number): Promise<void> {
  const text = 'x'.repeat(100);
  for (let next = from; next <= to; next += 100) {
    const versions = Array.from({ length: Math.min(100, to - next + 1) }, (_, index) => next + index);
    await Promise.all(
      versions.map((version) => {
        const event =
          version === 1
            ? threadCreated(id, { creatorId: creator, memberIds: [creator] })
            : messagesAdded(creator, [{ id: ulid(), text }]);
        const after = version === 1 ? undefined : `command-${version - 1}`;
        return journal.append(id, version - 1, commitOf(id, version, event), after);
      }),
    );
  }
}

async function readRaw(link: NatsLink, stream: string, subject: string, commits: number): Promise<void> {
  let read = 0;
  for (let seq = 1; read < commits;) {
    const before = read;
    for await (const message of await link.manager.direct.getBatch(stream, {
      batch: READ_BATCH,
      seq,
      next_by_subj: subject,
    })) {
      read += 1;
      seq = message.seq + 1;
    }
    if (read === before) throw new Error(`${read} of ${commits} commits were read`);
  }
}

function subjectOf(id: string, layout: JournalLayout): string {
  return layout === 'per-thread' ? `bench.journal.${id}` : `bench.bucket.*.${id}`;
}
