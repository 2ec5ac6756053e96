import { pino } from 'pino';
import { ulid } from 'ulid';
import { Database } from '../../../../platform/mysql/database.js';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { JetStreamFeedWriter } from '../../../../platform/nats/jetstream-feed-writer.js';
import { StreamPerAggregateJournal } from '../../../../platform/nats/stream-per-aggregate-journal.js';
import { NatsLink } from '../../../../platform/nats/nats-link.js';
import type { Commit } from '../../../../platform/journal/journal.js';
import { resultOf, spawnCommand, type CommandResult } from '../../../../platform/testing/command-process.js';
import { freshDatabaseUrl, startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';
import { migrations } from '../migrations/index.js';
import { commitOf, messagesAdded, threadCreated } from './projection-fixture.js';

/** A NATS and a migrated database of its own, what an owner writes, and projectors and their command as processes. */
export class InstallationFixture {
  readonly #services: ServiceProcess[] = [];

  private constructor(
    readonly nats: RunningServer,
    readonly link: NatsLink,
    readonly databaseUrl: string,
    readonly database: Database,
    readonly journal: StreamPerAggregateJournal,
    readonly feed: JetStreamFeedWriter,
  ) {}

  static async open(): Promise<InstallationFixture> {
    const nats = await startNatsServer();
    const databaseUrl = await freshDatabaseUrl();
    await migrateDatabase({ url: databaseUrl, migrations, report: () => undefined });
    const logger = pino({ level: 'silent' });
    const link = await NatsLink.open({ url: nats.url, name: 'test', logger });
    const journal = new StreamPerAggregateJournal(link, { prefix: 'THREAD' }, () => undefined);
    const feed = new JetStreamFeedWriter(link, { prefix: 'THREAD', logger });
    await feed.announceTakeover();
    return new InstallationFixture(nats, link, databaseUrl, new Database({ url: databaseUrl }), journal, feed);
  }

  async close(): Promise<void> {
    await this.endProjectors();
    await this.link.close();
    await this.database.close();
    await this.nats.stop();
  }

  async endProjectors(): Promise<void> {
    for (const service of this.#services.splice(0)) {
      service.kill('SIGCONT');
      service.kill('SIGKILL');
      await service.exited;
    }
  }

  /** For a test that has failed. */
  showLogs(): void {
    for (const [index, { logLines }] of this.#services.entries()) {
      for (const line of logLines.slice(-15)) process.stderr.write(`${index} ${JSON.stringify(line).slice(0, 400)}\n`);
    }
  }

  get env(): Record<string, string> {
    return { MYSQL_URL: this.databaseUrl, NATS_URL: this.nats.url };
  }

  async startProjector(env: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = await startServiceProcess('services/thread/projector/main.ts', { ...this.env, ...env });
    this.#services.push(service);
    return service;
  }

  spawn(args: readonly string[], env: Record<string, string> = {}) {
    return spawnCommand('services/admin.ts', ['thread', 'projection', ...args], { ...this.env, ...env });
  }

  async run(...args: readonly string[]): Promise<CommandResult> {
    return resultOf(this.spawn(args));
  }

  /** Appends to journal and feed, as thread-command does. */
  async write(...commits: Commit[]): Promise<void> {
    await Promise.all(commits.map((commit) => this.journal.append(commit.aggregateId, commit.version - 1, commit)));
    for (const commit of commits) this.feed.publish(commit);
  }

  /** A thread that is made and posted to so many times. */
  async writeThread(messages: number, id = ulid()): Promise<Commit[]> {
    const commits = history(messages, id);
    await this.write(...commits);
    return commits;
  }

  /** Resolves when these, the last of their threads, are in the read model; looks every few milliseconds. */
  async projected(...commits: Commit[]): Promise<void> {
    const wanted = new Map(commits.map(({ aggregateId, version }) => [aggregateId, version]));
    for (;;) {
      const rows = await this.versions([...wanted.keys()]);
      if ([...wanted].every(([id, version]) => (rows.get(id) ?? 0) >= version)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async versions(ids: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.database.rows<{ id: string; version: number }>(
      'SELECT id, version FROM threads WHERE id IN (?)',
      [ids],
    );
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  /** Threads and messages that readers see. */
  async counts(): Promise<{ threads: number; messages: number }> {
    const [row] = await this.database.rows<{ threads: number; messages: number }>(
      'SELECT (SELECT COUNT(*) FROM threads) AS threads, (SELECT COUNT(*) FROM messages) AS messages',
    );
    return { threads: Number(row?.threads), messages: Number(row?.messages) };
  }
}

/** A thread's commits: created, then a message each. */
export function history(messages: number, id = ulid()): Commit[] {
  const creatorId = ulid();
  return [
    commitOf(id, 1, threadCreated(id, { creatorId })),
    ...Array.from({ length: messages }, (_, index) =>
      commitOf(id, index + 2, messagesAdded(creatorId, [{ id: ulid() }])),
    ),
  ];
}

/** The same, but what this version means nobody knows. */
export function poisonedHistory(messages: number, version: number): Commit[] {
  const commits = history(messages);
  const [{ aggregateId }] = commits as [Commit];
  commits[version - 1] = {
    ...commitOf(aggregateId, version),
    events: [{ type: 'FromTheFuture', schemaVersion: 1, data: new Uint8Array() }],
  };
  return commits;
}
