import type { ChildProcess } from 'node:child_process';
import { ulid } from 'ulid';
import { InstallationSettings } from '../../../../platform/nats/installation-settings.js';
import type { KeptInstallation } from '../../../../platform/nats/installation-values.js';
import { JetStreamMembership } from '../../../../platform/nats/jetstream-membership.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import { openJournal, type JournalLayout } from '../../../../platform/nats/open-journal.js';
import type { RawJournal } from '../../../../platform/nats/raw-journal.js';
import { createLogger } from '../../../../platform/telemetry/logger.js';
import type { Commit, RecordedEvent } from '../../../../platform/journal/journal.js';
import { resultOf, spawnCommand, type CommandResult } from '../../../../platform/testing/command-process.js';
import { readAll, someCommit } from '../../../../platform/testing/journal-contract.js';
import { startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { threadEventCodec } from '../../events/thread-event-codec.js';

/** A NATS of its own with a journal of threads in it, and the journal's command in a process of its own. */
export class JournalFixture {
  readonly #members: JetStreamMembership[] = [];

  private constructor(
    readonly nats: RunningServer,
    readonly link: NatsLink,
  ) {}

  static async open(): Promise<JournalFixture> {
    const nats = await startNatsServer();
    const logger = createLogger('test', 'silent');
    return new JournalFixture(nats, await NatsLink.open({ url: nats.url, name: 'test', logger }));
  }

  async close(): Promise<void> {
    for (const member of this.#members) await member.close();
    await this.link.close();
    await this.nats.stop();
  }

  journal(layout: JournalLayout = 'per-thread', buckets = 16): RawJournal {
    return openJournal(this.link, { prefix: 'THREAD', layout, buckets });
  }

  async kept(): Promise<KeptInstallation | undefined> {
    return (await InstallationSettings.open(this.link, { prefix: 'THREAD' })).read();
  }

  /** As an owner does that announces itself, and, when it leaves, goes. */
  async announceMember(self: string): Promise<() => Promise<void>> {
    const logger = createLogger('test', 'silent');
    const member = new JetStreamMembership(this.link, { prefix: 'THREAD', self, partitions: 64, logger });
    this.#members.push(member);
    await member.join('host:50051');
    return () => member.close();
  }

  /** Threads with so many commits each; one of the commits has no event, one has two. */
  async fill(threads: number, commits: number, journal = this.journal()): Promise<string[]> {
    const ids = Array.from({ length: threads }, () => ulid());
    await Promise.all(
      ids.flatMap((id) =>
        Array.from({ length: commits }, (_, version) =>
          journal.append(id, version, someCommit(`${id} ${version}`, { events: eventsAt(id, version) })),
        ),
      ),
    );
    return ids;
  }

  spawn(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    return spawnCommand('services/admin.ts', ['thread', 'journal', ...args], { NATS_URL: this.nats.url, ...env });
  }

  async run(args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> {
    return resultOf(this.spawn(args, env));
  }
}

/** All of a journal, with bytes as hexadecimal text, to compare. */
export async function contents(journal: RawJournal, ids: readonly string[]): Promise<unknown[]> {
  const plain = ({ events, ...commit }: Commit): unknown => ({
    ...commit,
    events: events.map((event) => ({ ...event, data: Buffer.from(event.data).toString('hex') })),
  });
  const histories = await Promise.all(ids.map((id) => readAll(journal, id)));
  return histories.map((history) => history.map(plain));
}

function eventsAt(threadId: string, version: number): RecordedEvent[] {
  const destroyed = threadEventCodec.encode({
    type: 'ThreadDestroyed',
    occurredAt: 1_700_000_000_000 + version,
    accountId: threadId,
  });
  return version === 1 ? [] : version === 2 ? [destroyed, destroyed] : [destroyed];
}
