import { ulid } from 'ulid';
import type { AggregateHost } from '../commands/aggregate-host.js';
import type { CommandEnvelope, CommandOutcome } from '../commands/aggregate-model.js';
import type { Commit } from '../journal/journal.js';
import { aggregateIdOf } from '../journal/aggregate-id.js';
import type { Context } from '../journal/context.js';
import { Fault } from '../kernel/fault.js';
import { steadyNow } from '../kernel/steady-clock.js';
import {
  isStep,
  type GivenCommand,
  type ProcessManager,
  type ProcessState,
  type ProcessStep,
  type StepRefused,
  type StepTaken,
} from './process-manager.js';
import type { Reaction } from './reaction.js';

/** Where the commands of one type of aggregate go, of this context or another, by plain ids. */
export interface CommandTarget<Command, Rejection> {
  /** As CommandRouter.execute. */
  execute(envelope: Omit<CommandEnvelope<Command>, 'fingerprint'>): Promise<CommandOutcome<unknown, Rejection>>;
  /**
   * Whether the command is in the aggregate's history, however long ago: an aggregate itself remembers its last
   * requests only. May read the whole history.
   */
  hasTaken(aggregateId: string, commandId: string): Promise<boolean>;
}

export type ProcessHost<Input, Event extends { readonly type: string }, State, Command, Rejection> = Pick<
  AggregateHost<ProcessStep<Input, Rejection>, StepTaken | Event, ProcessState<State, Command>, StepRefused>,
  'execute' | 'inspect'
>;

export interface ProcessReactionOptions<
  Input extends { readonly type: string },
  Event extends { readonly type: string },
  State,
  Command,
  Rejection,
> {
  readonly manager: ProcessManager<Input, Event, State, Command, Rejection>;
  /** Whose processes they are: the manager's name is one of its `processTypes`. */
  readonly context: Pick<Context, 'aggregateTypes' | 'processTypes'>;
  /** Of `processModel(manager)`. Several processes may host the same: the journal's fence decides. */
  readonly host: ProcessHost<Input, Event, State, Command, Rejection>;
  /** By the names that the manager uses. */
  readonly targets: Readonly<Record<string, CommandTarget<Command, Rejection>>>;
  /** So long a command may take before it is tried again, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

/** Faults of kinds that are not passing in general, but are of a command that was not taken. */
const PASSING_KINDS: readonly string[] = ['exhausted'];

/**
 * Has a process manager follow commits. Each step is in the journal before the next: the commit and the commands that it
 * means; the outcome of a command, and the commands that that means. What is not answered is given again after a crash, by
 * the same id. See docs/adr on why nothing is given twice.
 */
export function processReaction<
  Input extends { readonly type: string },
  Event extends { readonly type: string },
  State,
  Command,
  Rejection,
>({
  manager,
  context,
  host,
  targets,
  timeoutMs = 10_000,
}: ProcessReactionOptions<Input, Event, State, Command, Rejection>): Reaction {
  async function take(processId: string, events: readonly Input[], cause: Commit): Promise<void> {
    const { aggregateId: source, version, trace } = cause;
    const id = `${source}:${version}`;
    const step = (commandId: string, commandType: string, command: ProcessStep<Input, Rejection>) =>
      host.execute({
        aggregateId: processId,
        command,
        commandType,
        commandId,
        fingerprint: 'step',
        trace,
        deadline: steadyNow() + timeoutMs,
      });

    const begun = await step(id, 'Begin', { kind: 'begin', source, version, events });
    let [attempt, answered] = [0, 0];
    let waiting: GivenCommand<Command>[];
    let mayBeGiven = begun.kind === 'rejected' || begun.repeated;
    if (begun.kind === 'committed' && !begun.repeated) waiting = commandsIn(begun.events);
    else {
      const resumed = await step(`${id}!${ulid()}`, 'Resume', { kind: 'resume', source, version });
      // Nothing is left to be done.
      if (resumed.kind === 'rejected') return;
      const { state } = await host.inspect(processId, steadyNow() + timeoutMs);
      const progress = state.sources.get(source);
      if (progress?.version !== version) throw superseded();
      ({ attempt, answered } = progress);
      waiting = [...progress.waiting];
    }
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const rejection = await give(
        next,
        `${processId}/${id}${answered === 0 ? '' : `.${answered}`}`,
        cause,
        mayBeGiven,
      );
      mayBeGiven = false;
      const answer = { kind: 'answer', source, version, attempt, index: answered, ...rejection } as const;
      const recorded = await step(`${id}?${answered}`, 'Answer', answer);
      if (recorded.kind === 'rejected') throw superseded();
      waiting.push(...commandsIn(recorded.events));
      answered += 1;
    }
  }

  /** @returns the rejection, if it was rejected */
  async function give(
    { to, aggregateId, commandType, command }: GivenCommand<Command>,
    commandId: string,
    { trace }: Commit,
    mayBeGiven: boolean,
  ): Promise<{ rejection?: { value: Rejection } }> {
    const target = targets[to];
    if (target === undefined) throw new Fault('internal', 'NO_TARGET', `${manager.name} has no target ${to}`);
    if (mayBeGiven && (await target.hasTaken(aggregateId, commandId))) return {};
    const deadline = steadyNow() + timeoutMs;
    try {
      const outcome = await target.execute({ aggregateId, command, commandType, commandId, trace, deadline });
      return outcome.kind === 'rejected' ? { rejection: { value: outcome.rejection } } : {};
    } catch (error) {
      if (!(error instanceof Fault) || !PASSING_KINDS.includes(error.kind)) throw error;
      throw new Fault('unavailable', error.reason, error.message, { cause: error });
    }
  }

  function commandsIn(events: readonly (StepTaken | Event)[]): GivenCommand<Command>[] {
    return events.flatMap((event) => (isStep(event) ? [] : manager.commandsOf(event)));
  }

  return {
    name: manager.name,
    async react(commit) {
      const { inputs, name } = manager;
      const processes = new Map<string, Input[]>();
      for (const recorded of commit.events) {
        if (!inputs.knows(recorded.type)) continue;
        const event = inputs.decode(recorded);
        const id = manager.processOf(event, commit.aggregateId);
        if (id !== undefined) processes.set(id, [...(processes.get(id) ?? []), event]);
      }
      for (const [id, events] of processes) await take(aggregateIdOf(context, name, id), events, commit);
    },
  };
}

function superseded(): Fault {
  return new Fault('unavailable', 'SUPERSEDED', 'another process has gone on with this step');
}
