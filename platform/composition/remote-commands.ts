import { AggregateHost } from '../commands/aggregate-host.js';
import { AggregateTypes, type AggregateType } from '../commands/aggregate-types.js';
import { CommandRouter } from '../commands/command-router.js';
import { aggregateIdOf } from '../journal/aggregate-id.js';
import type { Context } from '../journal/context.js';
import { fingerprintOf } from '../kernel/derived-id.js';
import { Fault } from '../kernel/fault.js';
import { InstallationSettings } from '../nats/installation-settings.js';
import type { CommandBus } from '../commands/command-bus.js';
import { JetStreamCommandBus } from '../nats/jetstream-command-bus.js';
import type { NatsLink } from '../nats/nats-link.js';
import { openJournal } from '../nats/open-journal.js';
import type { Membership } from '../ownership/membership.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';
import type { CommandTarget } from '../reactions/process-reaction.js';
import type { Logger } from '../telemetry/logger.js';
import { tracedBus } from './traced.js';

/** Commands to a context from a process that owns nothing of it: they go to the owners over the context's command bus. */
export class RemoteCommands {
  readonly #types: AggregateTypes;
  readonly #router: CommandRouter<unknown, { readonly type: string }, unknown, unknown>;

  private constructor(
    private readonly context: Context,
    private readonly journal: ReturnType<typeof openJournal>,
    private readonly bus: CommandBus,
    partitions: number,
  ) {
    this.#types = new AggregateTypes(context);
    const typeOf = this.#types.of.bind(this.#types);
    this.#router = new CommandRouter({
      // Never asked, as nothing is owned.
      host: new AggregateHost(typeOf, { journal, onCommitted: () => undefined }),
      rejections: { write: async () => undefined, read: async () => [] },
      ownership: new PartitionOwnership(stranger, partitions),
      bus,
      typeOf,
    });
  }

  /** @throws Fault kind `unavailable` none of the context's owners has ever run */
  static async open(
    link: NatsLink,
    context: Context,
    { replicas, logger }: { readonly replicas: number; readonly logger: Logger },
  ): Promise<RemoteCommands> {
    const { prefix, name } = context;
    const kept = await (await InstallationSettings.open(link, { prefix, replicas })).read();
    if (kept === undefined) throw new Fault('unavailable', 'NO_INSTALLATION', `${name} was never started`);
    const journal = openJournal(link, { prefix, layout: kept.journalLayout, buckets: kept.journalBuckets, replicas });
    const bus = tracedBus(new JetStreamCommandBus(link, { prefix, replicas, logger }));
    const commands = new RemoteCommands(context, journal, bus, kept.partitions);
    await bus.open(commands.#router);
    return commands;
  }

  /** Where commands for one type of the context's aggregates go. */
  to<Command, Event extends { readonly type: string }, State, Rejection>(
    type: AggregateType<Command, Event, State, Rejection>,
  ): CommandTarget<Command, Rejection> {
    const commands = this.#types.add(type, this.#router);
    return {
      // Its id tells a command from all others: it follows from the commit that caused it.
      execute: (envelope) => commands.execute({ ...envelope, fingerprint: fingerprintOf(envelope.commandId) }),
      hasTaken: async (id, commandId) => {
        const aggregateId = aggregateIdOf(this.context, type.type, id);
        for await (const commit of this.journal.read(aggregateId, 1)) if (commit.commandId === commandId) return true;
        return false;
      },
    };
  }

  close(): Promise<void> {
    return this.bus.close();
  }
}

/** Of no membership: it owns nothing, ever. */
const stranger: Membership = {
  self: '',
  members: [],
  assignment: undefined,
  isCurrent: () => false,
  hasLeft: false,
  leaseEpoch: 0,
  onChange: () => () => undefined,
  join: async () => undefined,
  leave: async () => undefined,
  close: async () => undefined,
};
