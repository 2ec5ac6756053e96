import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import { Fault } from '../../kernel/fault.js';
import type { Database } from '../../mysql/database.js';
import { MySqlParkedAggregates } from '../../mysql/mysql-parked-aggregates.js';
import { ProjectionOperations } from '../../mysql/projection-operations.js';
import { MySqlReactionOperations } from '../../mysql/reaction-operations.js';
import { reactionProjection } from '../../mysql/reaction-projection.js';
import { InstallationSettings } from '../../nats/installation-settings.js';
import type { InstallationValues } from '../../nats/installation-values.js';
import { JetStreamFeedReader } from '../../nats/jetstream-feed-reader.js';
import { JetStreamFeedWriter } from '../../nats/jetstream-feed-writer.js';
import type { NatsLink } from '../../nats/nats-link.js';
import { openJournal } from '../../nats/open-journal.js';
import { confirm } from '../../process/confirm.js';
import type { ReplayFrom } from '../../reactions/reaction-operations.js';
import { createLogger } from '../../telemetry/logger.js';
import { alignedLines } from '../command-line/aligned-lines.js';
import type { AdminOutput, AdminResult } from '../command-line/admin-task.js';
import type { OperatorSettings } from '../command-line/config.js';
import type { DeadLettersRequest } from '../command-line/dead-letters.js';

/** What is asked for of a reaction. */
export type ReactionRequest =
  | { readonly kind: 'status' | 'pause' | 'resume' }
  | { readonly kind: 'replay'; readonly from: number | Date }
  | DeadLettersRequest;

export interface ReactionOperatorParts {
  readonly context: Context;
  readonly reaction: string;
  readonly settings: OperatorSettings;
  readonly database: Database;
  readonly link: NatsLink;
  readonly output: AdminOutput;
}

/** So long the feed may take to carry the news, in milliseconds. */
const TELL_WITHIN_MS = 10_000;

/** Carries out what an operator asks for of a reaction; whoever runs the reaction does what is to be done again. */
export class ReactionOperator {
  readonly #operations: MySqlReactionOperations;
  readonly #parked: MySqlParkedAggregates;
  readonly #noun: string;

  constructor(private readonly parts: ReactionOperatorParts) {
    const { database, reaction, context } = parts;
    const { rows, name } = reactionProjection(reaction);
    this.#operations = new MySqlReactionOperations(database, reaction);
    this.#parked = new MySqlParkedAggregates(database, rows, name);
    this.#noun = aggregateNounOf(context);
  }

  /** @throws Fault with a message for a person */
  async run(request: ReactionRequest): Promise<AdminResult> {
    switch (request.kind) {
      case 'status':
        return this.#status();
      case 'pause':
        await this.#operations.pause();
        return this.#said('paused: nothing is carried out until resume', { isPaused: true });
      case 'resume':
        await this.#operations.resume();
        return this.#said('resumed', { isPaused: false });
      case 'list':
        return this.#list();
      case 'replay':
        return this.#replay(request.from);
      case 'retry':
        return this.#retry(request.aggregateId);
      case 'skip':
      case 'drop':
        return this.#giveUp(request.kind, request.aggregateId, request.yes);
    }
  }

  async #status(): Promise<AdminResult> {
    const { database, reaction } = this.parts;
    const data = await new ProjectionOperations(database, reactionProjection(reaction)).partitions();
    const rows = data.map(({ partition, isPaused, sequence, parkedAggregates, updatedAt }) => [
      String(partition),
      isPaused ? 'paused' : 'active',
      String(sequence),
      String(parkedAggregates),
      new Date(updatedAt).toISOString(),
    ]);
    const head = ['PARTITION', 'STATE', 'SEQUENCE', 'PARKED', 'CHANGED'];
    for (const line of alignedLines([head, ...rows], 5)) this.parts.output.say(line);
    return { code: 0, data };
  }

  async #list(): Promise<AdminResult> {
    const data = await this.#parked.list();
    for (const { aggregateId, firstVersion, commits, since, error } of data) {
      const place = `${aggregateId} at version ${firstVersion}, ${commits} commits, since ${new Date(since).toISOString()}`;
      this.parts.output.say(`${place}: ${error.replaceAll(/\s+/g, ' ').slice(0, 200)}`);
    }
    return data.length === 0 ? this.#said(`no ${this.#noun} is parked`, data) : { code: 0, data };
  }

  async #retry(aggregateId: string | undefined): Promise<AdminResult> {
    const ids = aggregateId === undefined ? (await this.#parked.list()).map((one) => one.aggregateId) : [aggregateId];
    const retried: string[] = [];
    for (const id of ids) if (await this.#operations.retry(id)) retried.push(id);
    if (aggregateId !== undefined && retried.length === 0) throw this.#notParked(aggregateId);
    await this.#tell();
    return this.#said(`${retried.length} ${this.#noun}s are tried again`, { retried });
  }

  async #giveUp(kind: 'skip' | 'drop', aggregateId: string, yes: boolean): Promise<AdminResult> {
    const [parked] = await this.#parked.list(aggregateId);
    if (parked === undefined) throw this.#notParked(aggregateId);
    const what = kind === 'skip' ? `version ${parked.firstVersion}` : `${parked.commits} commits`;
    if (!(await confirm(`What follows from ${what} of ${aggregateId} will never be carried out. Go on?`, yes))) {
      return { ...this.#said('nothing was done', {}), code: 1 };
    }
    await this.#operations.skip(aggregateId, kind === 'skip' ? 'first' : 'all');
    await this.#tell();
    return this.#said(`${aggregateId} goes on behind ${what}`, { aggregateId });
  }

  async #replay(from: number | Date): Promise<AdminResult> {
    const places = await (typeof from === 'number' ? this.#fromSequence(from) : this.#fromTime(from));
    const aggregates = await this.#operations.replay(places);
    await this.#tell();
    return this.#said(`${aggregates} ${this.#noun}s go back`, { aggregates });
  }

  async #fromSequence(from: number): Promise<ReplayFrom[]> {
    const reader = new JetStreamFeedReader(this.parts.link, this.#feed);
    const { firstSequence, lastSequence } = await reader.bounds();
    if (from < firstSequence) {
      const message = `the feed begins at ${firstSequence}; replay from a time, which the journal knows`;
      throw new Fault('failed-precondition', 'FEED_TRIMMED', message);
    }
    const first = new Map<string, number>();
    const read = new AbortController();
    if (from <= lastSequence) {
      for await (const entry of reader.read(from - 1, read.signal)) {
        if (entry.kind === 'commit') {
          const { aggregateId, version } = entry.commit;
          first.set(aggregateId, Math.min(version, first.get(aggregateId) ?? version));
        }
        if (entry.sequence >= lastSequence) break;
      }
      read.abort();
    }
    return [...first].map(([aggregateId, version]) => ({ aggregateId, version }));
  }

  async #fromTime(from: Date): Promise<ReplayFrom[]> {
    const { journalLayout: layout, journalBuckets: buckets } = await this.#installation();
    const journal = openJournal(this.parts.link, { prefix: this.parts.context.prefix, layout, buckets });
    const places: ReplayFrom[] = [];
    for await (const { aggregateId } of journal.list()) {
      for await (const { version, time } of journal.read(aggregateId, 1)) {
        if (time < from.getTime()) continue;
        places.push({ aggregateId, version });
        break;
      }
    }
    return places;
  }

  /** Has those who run the reaction compare what they have carried out with the journal. */
  async #tell(): Promise<void> {
    const { partitions } = await this.#installation();
    const logger = createLogger('admin', 'silent');
    const feed = new JetStreamFeedWriter(this.parts.link, { ...this.#feed, partitions, logger });
    await feed.announceTakeover();
    await feed.flush(TELL_WITHIN_MS);
  }

  get #feed() {
    const { context, settings } = this.parts;
    return { prefix: context.prefix, storage: settings.feedStorage, replicas: settings.natsReplicas };
  }

  async #installation(): Promise<InstallationValues> {
    const { link, context, settings } = this.parts;
    const kept = await InstallationSettings.open(link, { prefix: context.prefix, replicas: settings.natsReplicas });
    return (await kept.read()) ?? settings.installation;
  }

  #said(line: string, data: unknown): AdminResult {
    this.parts.output.say(line);
    return { code: 0, data };
  }

  #notParked(aggregateId: string): Fault {
    return new Fault('failed-precondition', 'NOT_PARKED', `${aggregateId} is not parked`);
  }
}
