import type { Database } from '../../mysql/database.js';
import { MySqlParkedAggregates } from '../../mysql/mysql-parked-aggregates.js';
import { ProjectionLayout } from '../../mysql/projection-layout.js';
import { ProjectionOperations } from '../../mysql/projection-operations.js';
import { feedSequenceBefore } from '../../nats/feed-backlog.js';
import { ensureFeedStream, type FeedStreamOptions } from '../../nats/feed-stream.js';
import { InstallationSettings } from '../../nats/installation-settings.js';
import type { InstallationValues } from '../../nats/installation-values.js';
import type { NatsLink } from '../../nats/nats-link.js';
import { openJournal } from '../../nats/open-journal.js';
import { confirm } from '../../process/confirm.js';
import { TerminalProgress } from '../../process/terminal-progress.js';
import { Fault } from '../../kernel/fault.js';
import type { Journal } from '../../journal/journal.js';
import type { ParkedAggregate } from '../../projection/parked-aggregates.js';
import type { ProjectionPartitions } from '../../projection/projection-partition.js';
import { retryParked, type RetryOptions } from '../../projection/retry-parked.js';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import type { OperatorSettings } from '../command-line/config.js';
import type { DeadLettersRequest } from '../command-line/dead-letters.js';
import { alignedLines } from '../command-line/aligned-lines.js';
import { commandPrefixOf, type AdminOutput, type AdminResult } from '../command-line/admin-task.js';
import { readStatus, statusTable } from './projection-status.js';
import { rebuildReadModel } from './rebuild-read-model.js';

/** What is asked for of a projection. */
export type ProjectionRequest =
  | { readonly kind: 'status' | 'pause' | 'resume' }
  | { readonly kind: 'rebuild'; readonly isJournalRestored: boolean }
  | { readonly kind: 'rewind'; readonly to: number | Date }
  | DeadLettersRequest;

export interface ProjectionOperatorParts {
  readonly context: Context;
  readonly projection: ProjectionDeclaration;
  readonly settings: OperatorSettings;
  readonly database: Database;
  /** Opens the connection to NATS, once. */
  openLink(): Promise<NatsLink>;
  readonly output: AdminOutput;
}

/** Carries out what an operator asks for of a projection. */
export class ProjectionOperator {
  readonly #operations: ProjectionOperations;
  readonly #parked: MySqlParkedAggregates;

  /** What an aggregate is called. */
  readonly #noun: string;

  constructor(private readonly parts: ProjectionOperatorParts) {
    const { database, projection, context } = parts;
    this.#operations = new ProjectionOperations(database, projection);
    this.#parked = new MySqlParkedAggregates(database, projection.rows, projection.name);
    this.#noun = aggregateNounOf(context);
  }

  /** @throws Fault with a message for a person */
  async run(request: ProjectionRequest): Promise<AdminResult> {
    switch (request.kind) {
      case 'status':
        return this.#status();
      case 'pause':
        return this.#pause();
      case 'resume':
        return this.#resume();
      case 'rewind':
        return this.#rewind(request.to);
      case 'rebuild':
        return this.#rebuild(request.isJournalRestored);
      case 'list':
        return this.#list();
      case 'retry':
        return this.#retry(request.aggregateId);
      case 'skip':
      case 'drop':
        return this.#giveUp(request);
    }
  }

  async #status(): Promise<AdminResult> {
    const link = await this.parts.openLink();
    const { partitions: feedPartitions } = await this.#installation(link);
    const { projection } = this.parts;
    const data = await readStatus({ projection, operations: this.#operations, link, feed: this.#feed, feedPartitions });
    this.#say(statusTable(data, this.#noun));
    return { code: 0, data };
  }

  async #pause(): Promise<AdminResult> {
    if ((await this.#operations.partitions()).length === 0) await this.#makePartitions();
    await this.#operations.pause('operator');
    this.#say(`paused: nothing is projected until \`${this.#command} resume\``);
    return { code: 0, data: { isPaused: true } };
  }

  /** Also before any projector has run. */
  async #makePartitions(): Promise<void> {
    const { database, projection, settings } = this.parts;
    const partitions = { feedPartitions: settings.installation.partitions, count: settings.projectionPartitions };
    await new ProjectionLayout(database, projection.name, partitions).ensure();
  }

  async #resume(): Promise<AdminResult> {
    const resumed = await this.#operations.resume('operator');
    this.#say(resumed === 0 ? 'it was not paused' : 'resumed');
    return { code: 0, data: { isPaused: false, wasPaused: resumed > 0 } };
  }

  async #rewind(to: number | Date): Promise<AdminResult> {
    const link = await this.parts.openLink();
    const { state } = await ensureFeedStream(link, this.#feed);
    const sequence = typeof to === 'number' ? Math.max(0, to - 1) : await feedSequenceBefore(link, this.#feed, to);
    const partitions = await this.#operations.rewind(sequence);
    if (partitions === 0) this.#say(`nothing to do: no partition is beyond sequence ${sequence + 1}`);
    else this.#say(`${partitions} partitions read the feed again from sequence ${sequence + 1}, of ${state.last_seq}`);
    if (state.first_seq > sequence + 1) {
      this.#say(`The feed begins at ${state.first_seq}; what came before, projectors look for in the journal.`);
    }
    const data = { partitions, fromSequence: sequence + 1, feed: { first: state.first_seq, last: state.last_seq } };
    return { code: 0, data };
  }

  async #rebuild(isJournalRestored: boolean): Promise<AdminResult> {
    const { database, projection, settings, output } = this.parts;
    const link = await this.parts.openLink();
    const data = await rebuildReadModel({
      url: settings.mysqlUrl,
      database,
      projection,
      operations: this.#operations,
      journal: await this.#journal(link),
      partitions: await this.#partitions(link),
      isJournalRestored,
      command: this.#command,
      progress: new TerminalProgress(output.progress),
    });
    const { aggregates, commits, parkedAggregates, pausedMs } = data;
    const nouns = `${this.#noun}s`;
    this.#say(
      `rebuilt: ${aggregates} ${nouns}, ${commits} commits; nothing was projected for ${Math.round(pausedMs)} ms`,
    );
    if (parkedAggregates > 0) {
      this.#say(`${parkedAggregates} ${nouns} are parked: ${this.#command} dead-letters list`);
    }
    return { code: 0, data };
  }

  async #list(): Promise<AdminResult> {
    const parked = await this.#parked.list();
    if (parked.length === 0) this.#say(`no ${this.#noun} is parked`);
    else {
      const rows = parked.map(({ aggregateId, firstVersion, lastVersion, commits, since, error }) => [
        aggregateId,
        firstVersion === lastVersion ? String(firstVersion) : `${firstVersion}-${lastVersion}`,
        new Date(since).toISOString(),
        String(commits),
        ` ${error.replaceAll(/\s+/g, ' ').slice(0, 200)}`,
      ]);
      const head = [this.#noun.toUpperCase(), 'VERSIONS', 'SINCE', 'COMMITS', ' ERROR'];
      for (const line of alignedLines([head, ...rows], 5)) this.#say(line);
    }
    return { code: 0, data: parked };
  }

  async #retry(aggregateId: string | undefined): Promise<AdminResult> {
    const journal = await this.#journal(await this.parts.openLink());
    const ids =
      aggregateId === undefined ? (await this.#parked.list()).map((parked) => parked.aggregateId) : [aggregateId];
    if (ids.length === 0) this.#say(`no ${this.#noun} is parked`);
    return this.#retryEach(ids, { parked: this.#parked, journal });
  }

  async #giveUp({ kind, aggregateId, yes }: GivingUp): Promise<AdminResult> {
    const [parked] = await this.#parked.list(aggregateId);
    if (parked === undefined) throw notParked(aggregateId);
    if (!(await confirm(questionOf(kind, parked), yes))) {
      this.#say('nothing was done');
      return { code: 1, data: [] };
    }
    const journal = await this.#journal(await this.parts.openLink());
    return this.#retryEach([aggregateId], { parked: this.#parked, journal, giveUp: kind === 'skip' ? 'first' : 'all' });
  }

  /** Fails when one of them stays parked. */
  async #retryEach(aggregateIds: readonly string[], options: RetryOptions): Promise<AdminResult> {
    const data: object[] = [];
    let code = 0;
    for (const aggregateId of aggregateIds) {
      const outcome = await retryParked(aggregateId, options);
      switch (outcome.kind) {
        case 'live':
          this.#say(`${aggregateId} is live again, at version ${outcome.version}`);
          data.push({ aggregateId, isLive: true, version: outcome.version });
          break;
        case 'parked': {
          const { version, error } = outcome;
          this.#say(`${aggregateId} stays parked at version ${version}: ${error.message}`);
          data.push({ aggregateId, isLive: false, version, error: error.message });
          code = 1;
          break;
        }
        case 'not-parked':
          throw notParked(aggregateId);
      }
    }
    return { code, data };
  }

  get #command(): string {
    return `${commandPrefixOf(this.parts.context)} projection`;
  }

  #say(line: string): void {
    this.parts.output.say(line);
  }

  get #feed(): FeedStreamOptions {
    const { feedStorage: storage, natsReplicas: replicas } = this.parts.settings;
    return { prefix: this.parts.context.prefix, storage, replicas };
  }

  async #installation(link: NatsLink): Promise<InstallationValues> {
    const { installation, natsReplicas: replicas } = this.parts.settings;
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
    const count = first?.partitions ?? this.parts.settings.projectionPartitions;
    return { feedPartitions: (await this.#installation(link)).partitions, count };
  }
}

type GivingUp = Extract<ProjectionRequest, { kind: 'skip' | 'drop' }>;

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
