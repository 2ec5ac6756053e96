import { AggregateHost } from '../commands/aggregate-host.js';
import type { Context } from '../journal/context.js';
import { JetStreamFeedWriter } from '../nats/jetstream-feed-writer.js';
import type { NatsLink } from '../nats/nats-link.js';
import { openJournal } from '../nats/open-journal.js';
import { processModel, type ProcessManager } from '../reactions/process-manager.js';
import { processReaction, type CommandTarget } from '../reactions/process-reaction.js';
import type { Reaction } from '../reactions/reaction.js';
import type { Logger } from '../telemetry/logger.js';
import type { ProjectionSettings } from './projection-settings.js';
import { RemoteCommands } from './remote-commands.js';

/** What a context's reaction is composed on: the processes that it hosts, and the way to those who take its commands. */
export class ReactionNode {
  readonly #feed: JetStreamFeedWriter;
  readonly #hosts: Pick<AggregateHost<never, never, never, never>, 'drain'>[] = [];
  readonly #remotes: RemoteCommands[] = [];

  constructor(
    readonly context: Context,
    readonly settings: ProjectionSettings,
    readonly logger: Logger,
    readonly link: NatsLink,
  ) {
    const { feedStorage: storage, natsReplicas: replicas, installation } = settings;
    const { partitions } = installation;
    this.#feed = new JetStreamFeedWriter(link, { prefix: context.prefix, partitions, storage, replicas, logger });
  }

  /**
   * Commands to the aggregates of a context, this one or another.
   * @throws Fault kind `unavailable` none of its owners has ever run
   */
  async commandsOf(context: Context): Promise<RemoteCommands> {
    const { link, logger } = this;
    const commands = await RemoteCommands.open(link, context, { replicas: this.settings.natsReplicas, logger });
    this.#remotes.push(commands);
    return commands;
  }

  /** The reaction of a process manager, whose processes are hosted here and kept in this context's journal. */
  process<Input extends { readonly type: string }, Event extends { readonly type: string }, State, Command, Rejection>(
    manager: ProcessManager<Input, Event, State, Command, Rejection>,
    targets: Readonly<Record<string, CommandTarget<Command, Rejection>>>,
  ): Reaction {
    const { context, settings } = this;
    const { journalLayout: layout, journalBuckets: buckets } = settings.installation;
    const model = processModel(manager);
    const journal = openJournal(this.link, {
      prefix: context.prefix,
      layout,
      buckets,
      replicas: settings.natsReplicas,
    });
    const host = new AggregateHost(() => model, { journal, onCommitted: (commit) => this.#feed.publish(commit) });
    this.#hosts.push(host);
    return processReaction({ manager, context, host, targets });
  }

  /** Copies of what this process's predecessor has written last may be missing in the feed. */
  announceTakeover(): Promise<void> {
    return this.#feed.announceTakeover();
  }

  /** Finishes what was begun. @param flushMs so long the feed may take */
  async finish(flushMs: number): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.drain()));
    await this.#feed.flush(flushMs);
    await Promise.all(this.#remotes.map((remote) => remote.close()));
  }
}
