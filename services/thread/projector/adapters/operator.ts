import type { Database } from '../../../../platform/mysql/database.js';
import { MySqlParkedAggregates } from '../../../../platform/mysql/mysql-parked-aggregates.js';
import { ProjectionLayout } from '../../../../platform/mysql/projection-layout.js';
import { ProjectionOperations } from '../../../../platform/mysql/projection-operations.js';
import { feedSequenceBefore } from '../../../../platform/nats/feed-backlog.js';
import { ensureFeedStream, type FeedStreamOptions } from '../../../../platform/nats/feed-stream.js';
import { InstallationSettings, type InstallationValues } from '../../../../platform/nats/installation-settings.js';
import type { NatsLink } from '../../../../platform/nats/nats-link.js';
import { openJournal } from '../../../../platform/nats/open-journal.js';
import { confirm } from '../../../../platform/process/confirm.js';
import { TerminalProgress, type ProgressOutput } from '../../../../platform/process/terminal-progress.js';
import { Fault } from '../../../../platform/kernel/fault.js';
import type { Journal } from '../../../../platform/journal/journal.js';
import type { ParkedAggregate } from '../../../../platform/projection/parked-aggregates.js';
import type { ProjectionPartitions } from '../../../../platform/projection/projection-partition.js';
import { retryParked, type RetryOptions } from '../../../../platform/projection/retry-parked.js';
import { migrations } from '../migrations/index.js';
import { PREFIX, PROJECTION } from '../names.js';
import { mySqlThreadRows } from './mysql-thread-rows.js';
import type { OperatorCommand } from './operator-command-line.js';
import { alignedLines, readStatus, statusTable } from './projection-status.js';
import { rebuildReadModel } from './rebuild-read-model.js';

export interface OperatorParts {
  readonly config: {
    readonly mysqlUrl: string;
    readonly natsReplicas: number;
    readonly feedStorage: 'memory' | 'file';
    readonly installation: InstallationValues;
    readonly projectionPartitions: number;
  };
  readonly database: Database;
  /** Opens the connection to NATS, once. */
  openLink(): Promise<NatsLink>;
  say(line: string): void;
  /** Where progress is shown. */
  readonly output: ProgressOutput;
}

/** Carries out an operator's commands. */
export class Operator {
  readonly #operations: ProjectionOperations;
  readonly #parked: MySqlParkedAggregates;

  constructor(private readonly parts: OperatorParts) {
    this.#operations = new ProjectionOperations(parts.database, PROJECTION);
    this.#parked = new MySqlParkedAggregates(parts.database, mySqlThreadRows, PROJECTION);
  }

  /**
   * @returns the exit code
   * @throws Fault with a message for a person
   */
  async run(command: Exclude<OperatorCommand, { kind: 'help' }>): Promise<number> {
    switch (command.kind) {
      case 'status':
        return this.#status(command.json);
      case 'pause':
        return this.#pause();
      case 'resume':
        return this.#resume();
      case 'rewind':
        return this.#rewind(command.to);
      case 'rebuild':
        return this.#rebuild(command.isJournalRestored);
      case 'list':
        return this.#list(command.json);
      case 'retry':
        return this.#retry(command.threadId);
      case 'skip':
      case 'drop':
        return this.#giveUp(command);
    }
  }

  async #status(isJson: boolean): Promise<number> {
    const link = await this.parts.openLink();
    const { partitions: feedPartitions } = await this.#installation(link);
    const sources = { operations: this.#operations, link, feed: this.#feed, feedPartitions };
    const status = await readStatus(sources);
    this.parts.say(isJson ? JSON.stringify(status, null, 2) : statusTable(status));
    return 0;
  }

  async #pause(): Promise<number> {
    if ((await this.#operations.partitions()).length === 0) await this.#makePartitions();
    await this.#operations.pause('operator');
    this.parts.say('paused: nothing is projected until `npm run projector -- resume`');
    return 0;
  }

  /** Also before any projector has run. */
  async #makePartitions(): Promise<void> {
    const { database, config } = this.parts;
    const partitions = { feedPartitions: config.installation.partitions, count: config.projectionPartitions };
    await new ProjectionLayout(database, PROJECTION, partitions).ensure();
  }

  async #resume(): Promise<number> {
    const resumed = await this.#operations.resume('operator');
    this.parts.say(resumed === 0 ? 'it was not paused' : 'resumed');
    return 0;
  }

  async #rewind(to: number | Date): Promise<number> {
    const link = await this.parts.openLink();
    const { state } = await ensureFeedStream(link, this.#feed);
    const sequence = typeof to === 'number' ? Math.max(0, to - 1) : await feedSequenceBefore(link, this.#feed, to);
    const back = await this.#operations.rewind(sequence);
    const { say } = this.parts;
    if (back === 0) say(`nothing to do: no partition is beyond sequence ${sequence + 1}`);
    else say(`${back} partitions read the feed again from sequence ${sequence + 1}, of ${state.last_seq}`);
    if (state.first_seq > sequence + 1) {
      say(`The feed begins at ${state.first_seq}; what came before, projectors look for in the journal.`);
    }
    return 0;
  }

  async #rebuild(isJournalRestored: boolean): Promise<number> {
    const { database, config, output, say } = this.parts;
    const link = await this.parts.openLink();
    const { threads, commits, parkedThreads, pausedMs } = await rebuildReadModel({
      url: config.mysqlUrl,
      database,
      projection: PROJECTION,
      rows: mySqlThreadRows,
      migrations,
      operations: this.#operations,
      journal: await this.#journal(link),
      partitions: await this.#partitions(link),
      isJournalRestored,
      progress: new TerminalProgress(output),
    });
    say(`rebuilt: ${threads} threads, ${commits} commits; nothing was projected for ${Math.round(pausedMs)} ms`);
    if (parkedThreads > 0) say(`${parkedThreads} threads are parked: npm run projector -- dead-letters list`);
    return 0;
  }

  async #list(isJson: boolean): Promise<number> {
    const { say } = this.parts;
    const parked = await this.#parked.list();
    if (isJson) say(JSON.stringify(parked, null, 2));
    else if (parked.length === 0) say('no thread is parked');
    else {
      const rows = parked.map(({ aggregateId, firstVersion, lastVersion, commits, since, error }) => [
        aggregateId,
        firstVersion === lastVersion ? String(firstVersion) : `${firstVersion}-${lastVersion}`,
        new Date(since).toISOString(),
        String(commits),
        ` ${error.replaceAll(/\s+/g, ' ').slice(0, 200)}`,
      ]);
      for (const line of alignedLines([['THREAD', 'VERSIONS', 'SINCE', 'COMMITS', ' ERROR'], ...rows], 5)) say(line);
    }
    return 0;
  }

  async #retry(threadId: string | undefined): Promise<number> {
    const journal = await this.#journal(await this.parts.openLink());
    const parked =
      threadId === undefined ? (await this.#parked.list()).map(({ aggregateId }) => aggregateId) : [threadId];
    if (parked.length === 0) this.parts.say('no thread is parked');
    let failed = 0;
    for (const id of parked) if (!(await this.#retryOne(id, { parked: this.#parked, journal }))) failed += 1;
    return failed === 0 ? 0 : 1;
  }

  async #giveUp({ kind, threadId, yes }: { kind: 'skip' | 'drop'; threadId: string; yes: boolean }): Promise<number> {
    const [parked] = await this.#parked.list(threadId);
    if (parked === undefined) throw notParked(threadId);
    if (!(await confirm(questionOf(kind, parked), yes))) {
      this.parts.say('nothing was done');
      return 1;
    }
    const journal = await this.#journal(await this.parts.openLink());
    const giveUp = kind === 'skip' ? 'first' : 'all';
    return (await this.#retryOne(threadId, { parked: this.#parked, journal, giveUp })) ? 0 : 1;
  }

  /** @returns true when it is live again */
  async #retryOne(threadId: string, options: RetryOptions): Promise<boolean> {
    const outcome = await retryParked(threadId, options);
    switch (outcome.kind) {
      case 'live':
        this.parts.say(`${threadId} is live again, at version ${outcome.version}`);
        return true;
      case 'parked':
        this.parts.say(`${threadId} stays parked at version ${outcome.version}: ${outcome.error.message}`);
        return false;
      case 'not-parked':
        throw notParked(threadId);
    }
  }

  get #feed(): FeedStreamOptions {
    const { feedStorage: storage, natsReplicas: replicas } = this.parts.config;
    return { prefix: PREFIX, storage, replicas };
  }

  async #installation(link: NatsLink): Promise<InstallationValues> {
    const { installation, natsReplicas: replicas } = this.parts.config;
    return (await (await InstallationSettings.open(link, { prefix: PREFIX, replicas })).read()) ?? installation;
  }

  async #journal(link: NatsLink): Promise<Pick<Journal, 'read' | 'list'>> {
    const { journalLayout: layout, journalBuckets: buckets } = await this.#installation(link);
    return openJournal(link, { prefix: PREFIX, layout, buckets });
  }

  /** As the checkpoints have them. */
  async #partitions(link: NatsLink): Promise<ProjectionPartitions> {
    const [first] = await this.#operations.partitions();
    const count = first?.partitions ?? this.parts.config.projectionPartitions;
    return { feedPartitions: (await this.#installation(link)).partitions, count };
  }
}

function questionOf(
  kind: 'skip' | 'drop',
  { aggregateId, firstVersion, lastVersion, commits, error }: ParkedAggregate,
) {
  const why = `${aggregateId} is parked at version ${firstVersion}: ${error}`;
  const what =
    kind === 'skip'
      ? `Leave version ${firstVersion} out of the read model and retry the others?`
      : `Leave all ${commits} parked commits, up to version ${lastVersion}, out of the read model?`;
  return `${why}\n${what} The journal keeps them; a rebuild tries them again.`;
}

function notParked(threadId: string): Fault {
  return new Fault('failed-precondition', 'NOT_PARKED', `${threadId} has no dead letters`);
}
