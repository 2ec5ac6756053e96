import { Fault, toError } from '../kernel/fault.js';
import type { AggregateHost } from './aggregate-host.js';
import type { VersionedState, CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import { isNotOurs, NOT_OURS } from './aggregate-task.js';
import type { CommandBus, CommandBusListener, RoutedAnswer, RoutedCommand } from './command-bus.js';
import type { AggregateType } from './aggregate-types.js';
import { OwnedCommands } from './owned-commands.js';
import type { PartitionOwnership, OwnershipTerm } from '../ownership/partition-ownership.js';
import { PendingCommand } from './pending-command.js';
import type { RejectionLog } from './rejection-log.js';
import { steadyNow } from '../kernel/steady-clock.js';

export interface CommandRouterOptions<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly host: AggregateHost<Command, Event, State, Rejection>;
  readonly ownership: PartitionOwnership;
  readonly bus: CommandBus;
  readonly rejections: RejectionLog;
  /** How an aggregate's commands, rejections and events are written. @throws Fault its type is not known here */
  typeOf(aggregateId: string): Pick<AggregateType<Command, Event, State, Rejection>, 'commands' | 'codec'>;
  /** So many commands may be on their way to other instances; more are refused. @default 5000 */
  readonly maxRouted?: number;
  /** See OwnedCommands. @default 30000 */
  readonly keepRejectionsMs?: number;
  /** See OwnedCommands. @default nothing */
  onRejectionTrouble?(error: Error): void;
}

/** A command that could not be handed over is tried again after so long, in milliseconds. */
const RETRY_MS = 100;
/** What was handed to an owner while it left may come to nobody: it is sent again so long after a change. */
const RESEND_MS = 120;

/** Faults with which an owner gives back what came to it over the bus. */
const givenBack = new Set(['SHUTTING_DOWN', NOT_OURS]);

/**
 * Brings each command to the owner of its aggregate: to the host of this instance, or over the bus to another.
 * While a command is on its way and its partition changes hands it is sent again; its id makes that harmless.
 */
export class CommandRouter<
  Command,
  Event extends { readonly type: string },
  State,
  Rejection,
> implements CommandBusListener {
  readonly #pending = new Map<string, PendingCommand<Command, Event, Rejection>>();
  readonly #owned: OwnedCommands<Command, Event, State, Rejection>;
  #routed = 0;

  constructor(private readonly options: CommandRouterOptions<Command, Event, State, Rejection>) {
    const { host, ownership, rejections, keepRejectionsMs, onRejectionTrouble: onTrouble } = options;
    const codecOf = (aggregateId: string) => options.typeOf(aggregateId).commands;
    // It hears of a change first, and so waits for what was rejected before it carries out what is handed over below.
    this.#owned = new OwnedCommands({ host, ownership, rejections, codecOf, keepRejectionsMs, onTrouble });
    options.ownership.onChange((partitions) => {
      const before = [...this.#pending].filter(([, { partition }]) => partitions.has(partition));
      for (const [id, pending] of before) {
        if (options.ownership.owns(pending.envelope.aggregateId)) this.#dispatch(id, pending);
      }
      setTimeout(() => {
        for (const [id, pending] of before) this.#dispatch(id, pending);
      }, RESEND_MS).unref();
    });
  }

  /** Commands that are on their way to other instances, or whose answer is. */
  get pending(): number {
    return this.#pending.size;
  }

  /** As AggregateHost.execute, wherever the aggregate is. */
  execute(envelope: CommandEnvelope<Command>): Promise<CommandOutcome<Event, Rejection>> {
    const term = this.options.ownership.termOf(envelope.aggregateId);
    if (term === undefined) return this.#route(envelope);
    return this.#owned.execute(envelope, term).catch((thrown: unknown) => {
      if (!isNotOurs(thrown)) throw thrown;
      return this.#route(envelope);
    });
  }

  /** As AggregateHost.inspect; what another owns is read from the journal. */
  inspect(aggregateId: string, deadline: number): Promise<VersionedState<State>> {
    const { host, ownership } = this.options;
    return ownership.owns(aggregateId) ? host.inspect(aggregateId, deadline) : host.peek(aggregateId, deadline);
  }

  onReturn(): void {
    for (const [id, pending] of this.#pending) this.#dispatch(id, pending);
  }

  onAnswer(correlation: string, answer: RoutedAnswer): void {
    const [id = '', copy] = correlation.split('.');
    const pending = this.#pending.get(id);
    if (answer.kind === 'failed') pending?.fail(new Fault(answer.fault, answer.reason, answer.message));
    else pending?.answer(Number(copy), answer.kind, () => this.#outcomeOf(pending.envelope, answer));
  }

  async onCommand(routed: RoutedCommand): Promise<RoutedAnswer | undefined> {
    const { ownership, typeOf } = this.options;
    // Also while a new owner takes over: only an owner knows what was rejected.
    const term = ownership.termOf(routed.aggregateId);
    if (term === undefined) return undefined;
    try {
      const { commands, codec } = typeOf(routed.aggregateId);
      const command = commands.decodeCommand(routed.command);
      const outcome = await this.#owned.execute({ ...routed, command }, term);
      if (outcome.kind === 'rejected') {
        return { kind: 'rejected', rejection: commands.encodeRejection(outcome.rejection) };
      }
      return { ...outcome, events: outcome.events.map((event) => codec.encode(event)) };
    } catch (thrown) {
      if (thrown instanceof Fault && givenBack.has(thrown.reason)) return undefined;
      return failedAnswer(toError(thrown));
    }
  }

  #route(envelope: CommandEnvelope<Command>): Promise<CommandOutcome<Event, Rejection>> {
    const remainingMs = envelope.deadline - steadyNow();
    if (remainingMs <= 0) return Promise.reject(unanswered(undefined));
    if (this.#pending.size >= (this.options.maxRouted ?? 5_000)) return Promise.reject(tooManyRouted());
    return new Promise((resolve, reject) => {
      const id = String(++this.#routed);
      const partition = this.options.ownership.partitionOf(envelope.aggregateId);
      const pending = new PendingCommand<Command, Event, Rejection>(envelope, partition, (answer) => {
        if (!this.#pending.delete(id)) return;
        clearTimeout(timer);
        try {
          resolve(answer());
        } catch (error) {
          reject(toError(error));
        }
      });
      const timer = setTimeout(() => pending.fail(unanswered(pending.trouble)), Math.min(remainingMs, 2 ** 31 - 1));
      this.#pending.set(id, pending);
      this.#dispatch(id, pending);
    });
  }

  /** Hands it to whoever owns it now, unless it is answered. */
  #dispatch(id: string, pending: PendingCommand<Command, Event, Rejection>): void {
    if (this.#pending.get(id) !== pending) return;
    const { ownership, bus, typeOf } = this.options;
    const { envelope, partition } = pending;
    const copy = pending.addCopy();
    const term = ownership.termOf(envelope.aggregateId);
    if (term !== undefined) return this.#carryOut(id, pending, copy, term);
    const command = typeOf(envelope.aggregateId).commands.encodeCommand(envelope.command);
    bus.send(partition, `${id}.${copy}`, { ...envelope, command }).then(
      () => (pending.trouble = undefined),
      (thrown: unknown) => {
        pending.trouble = toError(thrown);
        if (isExhausted(pending.trouble)) {
          // It was not taken, so the caller may know; one that was sent before may still be answered.
          if (pending.copies === 1) return pending.fail(pending.trouble);
          pending.withdraw(copy);
        }
        setTimeout(() => this.#dispatch(id, pending), RETRY_MS).unref();
      },
    );
  }

  #carryOut(id: string, pending: PendingCommand<Command, Event, Rejection>, copy: number, term: OwnershipTerm): void {
    this.#owned.execute(pending.envelope, term).then(
      (outcome) => pending.answer(copy, outcome.kind, () => outcome),
      (thrown: unknown) => {
        if (!isNotOurs(thrown)) return pending.fail(thrown);
        pending.withdraw(copy);
        this.#dispatch(id, pending);
      },
    );
  }

  #outcomeOf(
    { aggregateId }: CommandEnvelope<Command>,
    answer: Exclude<RoutedAnswer, { kind: 'failed' }>,
  ): CommandOutcome<Event, Rejection> {
    const { commands, codec } = this.options.typeOf(aggregateId);
    switch (answer.kind) {
      case 'committed':
        return { ...answer, events: answer.events.map((event) => codec.decode(event)) };
      case 'rejected':
        return { kind: 'rejected', rejection: commands.decodeRejection(answer.rejection) };
    }
  }
}

function isExhausted(error: Error): boolean {
  return error instanceof Fault && error.kind === 'exhausted';
}

function failedAnswer(error: Error): RoutedAnswer {
  if (error instanceof Fault) {
    return { kind: 'failed', fault: error.kind, reason: error.reason, message: error.message };
  }
  return { kind: 'failed', fault: 'internal', reason: 'INTERNAL', message: 'internal error' };
}

function tooManyRouted(): Fault {
  return new Fault('exhausted', 'TOO_MANY_COMMANDS', 'too many commands wait for other instances, try again later');
}

function unanswered(trouble: Error | undefined): Fault {
  if (trouble !== undefined) {
    const message = 'the owner cannot be reached; repeat with the same request id';
    return new Fault('unavailable', 'OWNER_UNAVAILABLE', message, { cause: trouble });
  }
  return new Fault('deadline-exceeded', 'DEADLINE_EXCEEDED', 'no answer in time; repeat with the same request id');
}
