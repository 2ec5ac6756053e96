import { accept, reject, unreachable, type Decider, type Decision } from '../kernel/decider.js';
import { EventCodec, type EventFormats } from '../journal/event-codec.js';
import type { AggregateModel } from '../commands/aggregate-model.js';

/** A command for an aggregate of another type. */
export interface GivenCommand<Command> {
  /** The type of the aggregate that takes it: one of the reaction's targets. */
  readonly to: string;
  /** The aggregate's plain id. */
  readonly aggregateId: string;
  /** Name of the command, for the journal. */
  readonly commandType: string;
  readonly command: Command;
}

/** What a process manager decides on: an event that it follows, or what became of a command that it gave. */
export type ProcessInput<Input, Command, Rejection> =
  | { readonly kind: 'event'; readonly event: Input; readonly aggregateId: string }
  | { readonly kind: 'committed'; readonly command: GivenCommand<Command> }
  | { readonly kind: 'rejected'; readonly command: GivenCommand<Command>; readonly rejection: Rejection };

/**
 * A decider whose commands are events. Its own events are its memory, kept in the journal as an aggregate of its own
 * type; some of them mean commands to others. It compensates by giving another command when one was rejected.
 */
export interface ProcessManager<
  Input extends { readonly type: string },
  Event extends { readonly type: string },
  State,
  Command,
  Rejection,
> {
  /** See Reaction. One of its context's `processTypes`. */
  readonly name: string;
  /** Events that it may follow, such as all of the context; those that the codec does not know pass by. */
  readonly inputs: EventCodec<Input>;
  /** Plain id of the process that an event belongs to, such as the id of what it is about; undefined: of none. */
  processOf(event: Input, aggregateId: string): string | undefined;
  readonly decider: Decider<ProcessInput<Input, Command, Rejection>, Event, State, never>;
  readonly formats: EventFormats<Event>;
  /** The commands that an event of its own means, in the order in which they are given. Pure. */
  commandsOf(event: Event): readonly GivenCommand<Command>[];
}

/** How a step of a process came about; the first event of each of its commits. */
export interface StepTaken {
  readonly type: 'ProcessStepTaken';
  /** The commit that caused it. */
  readonly source: string;
  readonly version: number;
  readonly step: 'begun' | 'answered' | 'resumed';
}

/** What has come of the last commit of a source that the process has taken. */
export interface SourceProgress<Command> {
  readonly version: number;
  /** Commands that are answered, and so will never be given again. */
  readonly answered: number;
  /** Those that are not, in order. */
  readonly waiting: readonly GivenCommand<Command>[];
  /** How often somebody else may have gone on with them: whoever did so before is refused. */
  readonly attempt: number;
}

export interface ProcessState<State, Command> {
  readonly state: State;
  readonly sources: ReadonlyMap<string, SourceProgress<Command>>;
  /** Whose commit the present step is about. */
  readonly current: string;
}

/** A commit of the source, or the outcome of a command that was given because of it. */
export type ProcessStep<Input, Rejection> = { readonly source: string; readonly version: number } & (
  | { readonly kind: 'begin'; readonly events: readonly Input[] }
  | { readonly kind: 'resume' }
  | {
      readonly kind: 'answer';
      readonly attempt: number;
      readonly index: number;
      /** Absent when the command was taken. */
      readonly rejection?: { readonly value: Rejection };
    }
);

/** The step was taken before, or somebody else has gone on with it; nothing is changed. */
export type StepRefused = 'TAKEN' | 'SUPERSEDED';

export type ProcessModel<Input, Event extends { readonly type: string }, State, Command, Rejection> = AggregateModel<
  ProcessStep<Input, Rejection>,
  StepTaken | Event,
  ProcessState<State, Command>,
  StepRefused
>;

/**
 * The process manager as an aggregate. It remembers for each source how far it has come, for good: so a commit that comes
 * again changes nothing, however long ago it was, and no command is given again once its outcome is known.
 */
export function processModel<
  Input extends { readonly type: string },
  Event extends { readonly type: string },
  State,
  Command,
  Rejection,
>(
  manager: ProcessManager<Input, Event, State, Command, Rejection>,
): ProcessModel<Input, Event, State, Command, Rejection> {
  const { decider, commandsOf } = manager;
  type Step = ProcessStep<Input, Rejection>;

  function decideAll(inputs: readonly ProcessInput<Input, Command, Rejection>[], before: State): Event[] {
    const decided: Event[] = [];
    let state = before;
    for (const input of inputs) {
      const decision = decider.decide(input, state);
      if (decision.kind === 'rejected') return unreachable(decision.rejection);
      decided.push(...decision.events);
      state = decision.events.reduce((reached, event) => decider.evolve(reached, event), state);
    }
    return decided;
  }

  function decide(
    step: Step,
    { state, sources }: ProcessState<State, Command>,
  ): Decision<StepTaken | Event, StepRefused> {
    const { source, version } = step;
    const progress = sources.get(source);
    const taken = (how: StepTaken['step'], inputs: readonly ProcessInput<Input, Command, Rejection>[]) =>
      accept<StepTaken | Event>({ type: 'ProcessStepTaken', source, version, step: how }, ...decideAll(inputs, state));
    switch (step.kind) {
      case 'begin':
        if (progress !== undefined && progress.version >= version) return reject('TAKEN');
        return taken(
          'begun',
          step.events.map((event) => ({ kind: 'event', event, aggregateId: source })),
        );
      case 'resume':
        return progress?.version === version && progress.waiting.length > 0 ? taken('resumed', []) : reject('TAKEN');
      case 'answer': {
        const command = progress?.waiting[0];
        const isCurrent = progress?.version === version && progress.attempt === step.attempt;
        if (command === undefined || !isCurrent || progress.answered !== step.index) return reject('SUPERSEDED');
        const { rejection } = step;
        return taken('answered', [
          rejection === undefined
            ? { kind: 'committed', command }
            : { kind: 'rejected', command, rejection: rejection.value },
        ]);
      }
      default:
        return unreachable(step);
    }
  }

  function evolve(before: ProcessState<State, Command>, event: StepTaken | Event): ProcessState<State, Command> {
    if (isStep(event)) {
      const { source } = event;
      return { ...before, current: source, sources: new Map(before.sources).set(source, stepped(before, event)) };
    }
    const state = decider.evolve(before.state, event);
    const commands = commandsOf(event);
    const progress = before.sources.get(before.current);
    if (commands.length === 0 || progress === undefined) return { ...before, state };
    const waiting = [...progress.waiting, ...commands];
    return { ...before, state, sources: new Map(before.sources).set(before.current, { ...progress, waiting }) };
  }

  return {
    decider: { initialState: { state: decider.initialState, sources: new Map(), current: '' }, decide, evolve },
    // The compiler cannot tell that the formats of a union are those of its parts together.
    codec: new EventCodec({ ...manager.formats, ...stepFormats } as unknown as EventFormats<StepTaken | Event>),
    estimateBytes: ({ sources }) => 1_000 + 300 * sources.size,
  };
}

export function isStep(event: { readonly type: string }): event is StepTaken {
  return event.type === 'ProcessStepTaken';
}

function stepped<Command>(
  { sources }: ProcessState<unknown, Command>,
  { source, version, step }: StepTaken,
): SourceProgress<Command> {
  const before = sources.get(source) ?? { version, answered: 0, waiting: [], attempt: 0 };
  switch (step) {
    case 'begun':
      return { version, answered: 0, waiting: [], attempt: 0 };
    case 'answered':
      return { ...before, answered: before.answered + 1, waiting: before.waiting.slice(1) };
    case 'resumed':
      return { ...before, attempt: before.attempt + 1 };
  }
}

const steps: readonly string[] = ['begun', 'answered', 'resumed'] satisfies StepTaken['step'][];

/** For the codec of a context that has processes. `<source> <version> <step>`: an aggregate's id has no spaces. */
export const stepFormats: EventFormats<StepTaken> = {
  ProcessStepTaken: {
    schemaVersion: 1,
    encode: ({ source, version, step }) => Buffer.from(`${source} ${version} ${step}`),
    decode(data) {
      const [source = '', version, step = ''] = Buffer.from(data).toString().split(' ');
      if (!Number.isSafeInteger(Number(version)) || !steps.includes(step)) throw new Error('no step of a process');
      return { type: 'ProcessStepTaken', source, version: Number(version), step: step as StepTaken['step'] };
    },
  },
};
