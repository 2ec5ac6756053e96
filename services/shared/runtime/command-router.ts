import { Fault, toError } from '../kernel/fault.js';
import type { AggregateHost } from './aggregate-host.js';
import type { AggregateSnapshot, CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import type { CommandBus, CommandBusListener, RoutedAnswer, RoutedCommand } from './command-bus.js';
import type { EventCodec } from './event-codec.js';
import type { PartitionOwnership } from './partition-ownership.js';

/** A context's commands and rejections as bytes. Decoders throw when the bytes are none. */
export interface CommandCodec<Command, Rejection> {
  encodeCommand(command: Command): Uint8Array;
  decodeCommand(data: Uint8Array): Command;
  encodeRejection(rejection: Rejection): Uint8Array;
  decodeRejection(data: Uint8Array): Rejection;
}

export interface CommandRouterOptions<Command, Event extends { readonly type: string }, State, Rejection> {
  readonly host: AggregateHost<Command, Event, State, Rejection>;
  readonly ownership: PartitionOwnership;
  readonly bus: CommandBus;
  readonly commands: CommandCodec<Command, Rejection>;
  readonly events: EventCodec<Event>;
  /** So many commands may be on their way to other instances; more are refused. @default 5000 */
  readonly maxRouted?: number;
}

interface Pending<Command, Event, Rejection> {
  readonly envelope: CommandEnvelope<Command>;
  readonly partition: number;
  /** How often it was given to the bus. */
  sends: number;
  /** Why it could not be handed over, the last time. */
  trouble: Error | undefined;
  settle(outcome: () => CommandOutcome<Event, Rejection>): void;
  fail(error: Error): void;
}

/** A command that could not be handed over is tried again after so long, in milliseconds. */
const RETRY_MS = 100;
/** What was handed to an owner while it left may come to nobody: it is sent again so long after a change. */
const RESEND_MS = 120;

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
  readonly #pending = new Map<string, Pending<Command, Event, Rejection>>();
  /** What is being carried out of commands that may come more than once, and those rejected until their deadlines. */
  readonly #copies = new Map<string, Promise<CommandOutcome<Event, Rejection>>>();
  #sent = 0;

  constructor(private readonly options: CommandRouterOptions<Command, Event, State, Rejection>) {
    options.ownership.onChange((partitions) => {
      const before = [...this.#pending].filter(([, { partition }]) => partitions.has(partition));
      for (const [correlation, pending] of before) {
        if (options.ownership.owns(pending.envelope.aggregateId)) this.#dispatch(correlation, pending);
      }
      setTimeout(() => {
        for (const [correlation, pending] of before) this.#dispatch(correlation, pending);
      }, RESEND_MS).unref();
    });
  }

  /** As AggregateHost.execute, wherever the aggregate is. */
  execute(envelope: CommandEnvelope<Command>): Promise<CommandOutcome<Event, Rejection>> {
    const { host, ownership } = this.options;
    return ownership.owns(envelope.aggregateId) ? host.execute(envelope) : this.#route(envelope);
  }

  /** As AggregateHost.inspect; what another owns is read from the journal. */
  inspect(aggregateId: string, deadline: number): Promise<AggregateSnapshot<State>> {
    const { host, ownership } = this.options;
    return ownership.owns(aggregateId) ? host.inspect(aggregateId, deadline) : host.peek(aggregateId, deadline);
  }

  onReturn(): void {
    for (const [correlation, pending] of this.#pending) this.#dispatch(correlation, pending);
  }

  onAnswer(correlation: string, answer: RoutedAnswer): void {
    this.#pending.get(correlation)?.settle(() => this.#outcomeOf(answer));
  }

  async onCommand(routed: RoutedCommand): Promise<RoutedAnswer | undefined> {
    const { host, ownership, commands, events } = this.options;
    const { aggregateId } = routed;
    const { membership } = ownership;
    // It was paused or cut off, and others own everything by now: they have a copy, or get this one.
    if (!membership.isCurrent() && !membership.hasLeft) return undefined;
    // Memory of what another may have changed meanwhile is worth nothing, before and after.
    const isOwner = ownership.owns(aggregateId);
    if (!isOwner) host.forget((id) => id === aggregateId);
    try {
      const outcome = await this.#executeOnce({ ...routed, command: commands.decodeCommand(routed.command) });
      if (outcome.kind === 'rejected') {
        return { kind: 'rejected', rejection: commands.encodeRejection(outcome.rejection) };
      }
      return { ...outcome, events: outcome.events.map((event) => events.encode(event)) };
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.reason === 'SHUTTING_DOWN') return undefined;
      return failedAnswer(toError(thrown));
    } finally {
      if (!isOwner) host.forget((id) => id === aggregateId);
    }
  }

  #route(envelope: CommandEnvelope<Command>): Promise<CommandOutcome<Event, Rejection>> {
    const remainingMs = envelope.deadline - Date.now();
    if (remainingMs <= 0) return Promise.reject(unanswered(undefined));
    if (this.#pending.size >= (this.options.maxRouted ?? 5_000)) return Promise.reject(tooManyRouted());
    return new Promise((resolve, reject) => {
      const correlation = String(++this.#sent);
      const finish = (answer: () => void): void => {
        if (!this.#pending.delete(correlation)) return;
        clearTimeout(timer);
        answer();
      };
      const pending: Pending<Command, Event, Rejection> = {
        envelope,
        partition: this.options.ownership.partitionOf(envelope.aggregateId),
        sends: 0,
        trouble: undefined,
        settle: (outcomeOf) =>
          finish(() => {
            try {
              resolve(outcomeOf());
            } catch (error) {
              reject(toError(error));
            }
          }),
        fail: (error) => finish(() => reject(error)),
      };
      const timer = setTimeout(() => pending.fail(unanswered(pending.trouble)), Math.min(remainingMs, 2 ** 31 - 1));
      this.#pending.set(correlation, pending);
      this.#dispatch(correlation, pending);
    });
  }

  /**
   * Carries out a command of which copies may arrive, as it is sent again when its partition changes hands. A commit
   * is known to the aggregate, but a rejection is not: were a later copy decided anew, on another state, it could be
   * taken although its caller was told that it is not. A caller's own repeat has another deadline, and is no copy.
   */
  #executeOnce(envelope: CommandEnvelope<Command>): Promise<CommandOutcome<Event, Rejection>> {
    const key = `${envelope.commandId} ${envelope.deadline}`;
    const first = this.#copies.get(key);
    if (first !== undefined) return first;
    const executing = this.options.host.execute(envelope);
    this.#copies.set(key, executing);
    const forget = () => void this.#copies.delete(key);
    executing.then(({ kind }) => {
      // Copies that come later than the deadline are not begun.
      if (kind === 'rejected') setTimeout(forget, Math.max(0, envelope.deadline - Date.now())).unref();
      else forget();
    }, forget);
    return executing;
  }

  /** Hands it to whoever owns it now, unless it is answered. */
  #dispatch(correlation: string, pending: Pending<Command, Event, Rejection>): void {
    if (this.#pending.get(correlation) !== pending) return;
    const { ownership, bus, commands } = this.options;
    const { envelope, partition } = pending;
    if (ownership.owns(envelope.aggregateId)) {
      this.#executeOnce(envelope).then(
        (outcome) => pending.settle(() => outcome),
        (thrown: unknown) => pending.fail(toError(thrown)),
      );
      return;
    }
    pending.sends += 1;
    bus.send(partition, correlation, { ...envelope, command: commands.encodeCommand(envelope.command) }).then(
      () => (pending.trouble = undefined),
      (thrown: unknown) => {
        pending.trouble = toError(thrown);
        // It was not taken, so the caller may know; one that was sent before may still be answered.
        if (pending.sends === 1 && isExhausted(pending.trouble)) return pending.fail(pending.trouble);
        setTimeout(() => this.#dispatch(correlation, pending), RETRY_MS).unref();
      },
    );
  }

  #outcomeOf(answer: RoutedAnswer): CommandOutcome<Event, Rejection> {
    switch (answer.kind) {
      case 'committed':
        return { ...answer, events: answer.events.map((event) => this.options.events.decode(event)) };
      case 'rejected':
        return { kind: 'rejected', rejection: this.options.commands.decodeRejection(answer.rejection) };
      case 'failed':
        throw new Fault(answer.fault, answer.reason, answer.message);
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
