import type { Database } from '../../mysql/database.js';
import { MySqlParkedAggregates } from '../../mysql/mysql-parked-aggregates.js';
import { ProjectionLayout } from '../../mysql/projection-layout.js';
import { ProjectionOperations } from '../../mysql/projection-operations.js';
import { feedSequenceBefore } from '../../nats/feed-backlog.js';
import { ensureFeedStream, type FeedStreamOptions } from '../../nats/feed-stream.js';
import { InstallationSettings, type InstallationValues } from '../../nats/installation-settings.js';
import type { NatsLink } from '../../nats/nats-link.js';
import { openJournal } from '../../nats/open-journal.js';
import { confirm } from '../../process/confirm.js';
import { TerminalProgress, type ProgressOutput } from '../../process/terminal-progress.js';
import { Fault } from '../../kernel/fault.js';
import type { Journal } from '../../journal/journal.js';
import type { ParkedAggregate } from '../../projection/parked-aggregates.js';
import type { ProjectionPartitions } from '../../projection/projection-partition.js';
import { retryParked, type RetryOptions } from '../../projection/retry-parked.js';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import { alignedLines, readStatus, statusTable } from './projection-status.js';
import { rebuildReadModel } from './rebuild-read-model.js';

/** What an operator asks for. */
export type OperatorCommand =
  | { readonly kind: 'status' | 'list'; readonly json: boolean }
  | { readonly kind: 'pause' | 'resume' }
  | { readonly kind: 'rebuild'; readonly isJournalRestored: boolean }
  | { readonly kind: 'rewind'; readonly to: number | Date }
  /** `aggregateId` undefined: all that are parked. */
  | { readonly kind: 'retry'; readonly aggregateId: string | undefined }
  | { readonly kind: 'skip' | 'drop'; readonly aggregateId: string; readonly yes: boolean };

export interface OperatorParts {
  readonly context: Context;
  readonly projection: ProjectionDeclaration;
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

  /** What an aggregate is called. */
  readonly #noun: string;

  constructor(private readonly parts: OperatorParts) {
    const { database, projection, context } = parts;
    this.#operations = new ProjectionOperations(database, projection);
    this.#parked = new MySqlParkedAggregates(database, projection.rows, projection.name);
    this.#noun = aggregateNounOf(context);
  }

  /**
   * @returns the exit code
   * @throws Fault with a message for a person
   */
  async run(command: OperatorCommand): Promise<number> {
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
        return this.#retry(command.aggregateId);
      case 'skip':
      case 'drop':
        return this.#giveUp(command);
    }
  }

  async #status(isJson: boolean): Promise<number> {
    const link = await this.parts.openLink();
    const { partitions: feedPartitions } = await this.#installation(link);
    const sources = { projection: this.parts.projection, operations: this.#operations, link, feed: this.#feed, feedPartitions };
    const status = await readStatus(sources);
    this.parts.say(isJson ? JSON.stringify(status, null, 2) : statusTable(status, this.#noun));
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
    const { database, projection, config } = this.parts;
    const partitions = { feedPartitions: config.installation.partitions, count: config.projectionPartitions };
    await new ProjectionLayout(database, projection.name, partitions).ensure();
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
    const { database, projection, config, output, say } = this.parts;
    const link = await this.parts.openLink();
    const { aggregates, commits, parkedAggregates, pausedMs } = await rebuildReadModel({
      url: config.mysqlUrl,
      database,
      projection,
      operations: this.#operations,
      journal: await this.#journal(link),
      partitions: await this.#partitions(link),
      isJournalRestored,
      progress: new TerminalProgress(output),
    });
    const noun = this.#noun;
    say(`rebuilt: ${aggregates} ${noun}s, ${commits} commits; nothing was projected for ${Math.round(pausedMs)} ms`);
    if (parkedAggregates > 0) say(`${parkedAggregates} ${noun}s are parked: npm run projector -- dead-letters list`);
    return 0;
  }

  async #list(isJson: boolean): Promise<number> {
    const { say } = this.parts;
    const parked = await this.#parked.list();
    if (isJson) say(JSON.stringify(parked, null, 2));
    else if (parked.length === 0) say(`no ${this.#noun} is parked`);
    else {
      const rows = parked.map(({ aggregateId, firstVersion, lastVersion, commits, since, error }) => [
        aggregateId,
        firstVersion === lastVersion ? String(firstVersion) : `${firstVersion}-${lastVersion}`,
        new Date(since).toISOString(),
        String(commits),
        ` ${error.replaceAll(/\s+/g, ' ').slice(0, 200)}`,
      ]);
      for (const line of alignedLines(
        [[this.#noun.toUpperCase(), 'VERSIONS', 'SINCE', 'COMMITS', ' ERROR'], ...rows],
        5,
      ))
        say(line);
    }
    return 0;
  }

  async #retry(aggregateId: string | undefined): Promise<number> {
    const journal = await this.#journal(await this.parts.openLink());
    const parked =
      aggregateId === undefined ? (await this.#parked.list()).map(({ aggregateId }) => aggregateId) : [aggregateId];
    if (parked.length === 0) this.parts.say(`no ${this.#noun} is parked`);
    let failed = 0;
    for (const id of parked) if (!(await this.#retryOne(id, { parked: this.#parked, journal }))) failed += 1;
    return failed === 0 ? 0 : 1;
  }

  async #giveUp({
    kind,
    aggregateId,
    yes,
  }: {
    kind: 'skip' | 'drop';
    aggregateId: string;
    yes: boolean;
  }): Promise<number> {
    const [parked] = await this.#parked.list(aggregateId);
    if (parked === undefined) throw notParked(aggregateId);
    if (!(await confirm(questionOf(kind, parked), yes))) {
      this.parts.say('nothing was done');
      return 1;
    }
    const journal = await this.#journal(await this.parts.openLink());
    const giveUp = kind === 'skip' ? 'first' : 'all';
    return (await this.#retryOne(aggregateId, { parked: this.#parked, journal, giveUp })) ? 0 : 1;
  }

  /** @returns true when it is live again */
  async #retryOne(aggregateId: string, options: RetryOptions): Promise<boolean> {
    const outcome = await retryParked(aggregateId, options);
    switch (outcome.kind) {
      case 'live':
        this.parts.say(`${aggregateId} is live again, at version ${outcome.version}`);
        return true;
      case 'parked':
        this.parts.say(`${aggregateId} stays parked at version ${outcome.version}: ${outcome.error.message}`);
        return false;
      case 'not-parked':
        throw notParked(aggregateId);
    }
  }

  get #feed(): FeedStreamOptions {
    const { feedStorage: storage, natsReplicas: replicas } = this.parts.config;
    return { prefix: this.parts.context.prefix, storage, replicas };
  }

  async #installation(link: NatsLink): Promise<InstallationValues> {
    const { installation, natsReplicas: replicas } = this.parts.config;
    return (
      (await (await InstallationSettings.open(link, { prefix: this.parts.context.prefix, replicas })).read()) ??
      installation
    );
  }

  async #journal(link: NatsLink): Promise<Pick<Journal, 'read' | 'list'>> {
    const { journalLayout: layout, journalBuckets: buckets } = await this.#installation(link);
    return openJournal(link, { prefix: this.parts.context.prefix, layout, buckets });
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

function notParked(aggregateId: string): Fault {
  return new Fault('failed-precondition', 'NOT_PARKED', `${aggregateId} has no dead letters`);
}
