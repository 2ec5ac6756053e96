import { Fault } from '../kernel/fault.js';
import { aggregateIdOf, aggregateTypeOf } from '../journal/aggregate-id.js';
import type { Context } from '../journal/context.js';
import type { AggregateModel, CommandEnvelope, CommandOutcome, VersionedState } from './aggregate-model.js';
import type { CommandCodec } from './command-codec.js';

/** One type of a context's aggregates, as its commands are carried out and brought to where that is done. */
export interface AggregateType<
  Command,
  Event extends { readonly type: string },
  State,
  Rejection,
> extends AggregateModel<Command, Event, State, Rejection> {
  /** One of its context's `aggregateTypes`. */
  readonly type: string;
  readonly commands: CommandCodec<Command, Rejection>;
}

/** Where commands of one type of aggregate go, whichever instance carries them out; as in AggregateHost. */
export interface Commands<Command, Event, State, Rejection> {
  execute(envelope: CommandEnvelope<Command>): Promise<CommandOutcome<Event, Rejection>>;
  inspect(aggregateId: string, deadline: number): Promise<VersionedState<State>>;
}

/** Of any type: what is not known of it is not looked at. */
export type AnyAggregateType = AggregateType<unknown, { readonly type: string }, unknown, unknown>;
export type AnyCommands = Commands<unknown, { readonly type: string }, unknown, unknown>;

/** The types of aggregates that a process hosts, found by the ids of aggregates. */
export class AggregateTypes {
  readonly #types = new Map<string, AnyAggregateType>();

  constructor(private readonly context: Pick<Context, 'aggregateTypes'>) {}

  /**
   * Hosts this type from now on.
   * @param commands takes commands of all types, by their ids among all aggregates of the context
   * @returns the same for this type alone, with plain ids
   */
  add<Command, Event extends { readonly type: string }, State, Rejection>(
    type: AggregateType<Command, Event, State, Rejection>,
    commands: AnyCommands,
  ): Commands<Command, Event, State, Rejection> {
    const idOf = (id: string): string => aggregateIdOf(this.context, type.type, id);
    this.#types.set(type.type, type as unknown as AnyAggregateType);
    const typed = commands as unknown as Commands<Command, Event, State, Rejection>;
    return {
      execute: async (envelope) => typed.execute({ ...envelope, aggregateId: idOf(envelope.aggregateId) }),
      inspect: async (id, deadline) => typed.inspect(idOf(id), deadline),
    };
  }

  /** @throws Fault kind `unavailable` it is not hosted here, but perhaps by a newer version of this process */
  of(aggregateId: string): AnyAggregateType {
    const name = aggregateTypeOf(this.context, aggregateId);
    const type = this.#types.get(name);
    if (type !== undefined) return type;
    throw new Fault('unavailable', 'UNKNOWN_AGGREGATE_TYPE', `this instance has no aggregates of type ${name}`);
  }
}
