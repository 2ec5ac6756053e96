import type { Command } from 'commander';
import { idOf } from './arguments.js';

/** What may be asked for of dead letters. */
export type DeadLettersRequest =
  | { readonly kind: 'list' }
  /** `aggregateId` undefined: all that are parked. */
  | { readonly kind: 'retry'; readonly aggregateId: string | undefined }
  | { readonly kind: 'skip' | 'drop'; readonly aggregateId: string; readonly yes: boolean };

export interface DeadLettersWords {
  /** What an aggregate is called. */
  readonly noun: string;
  /** What could not be done to a commit, such as `projected`. */
  readonly done: string;
  /** What is done to it when it is tried again, such as `project it`. */
  readonly redo: string;
}

/** `dead-letters list`, `retry` and `drop` of a group. @returns `dead-letters` */
export function addDeadLettersCommands(
  group: Command,
  { noun, done, redo }: DeadLettersWords,
  askFor: (command: Command, request: DeadLettersRequest) => void,
): Command {
  const deadLetters = group.command('dead-letters').description(`${noun}s with a commit that could not be ${done}`);
  deadLetters
    .command('list')
    .description('which ones, since when and why')
    .action((_options, command: Command) => askFor(command, { kind: 'list' }));
  deadLetters
    .command('retry')
    .description(`${redo} and all behind it, in order`)
    .argument(`[${noun.toUpperCase()}]`, `the id of a ${noun}`, idOf)
    .option('--all', `do so for every ${noun}`)
    .action((aggregateId: string | undefined, { all }: { all?: true }, command: Command) => {
      if ((aggregateId === undefined) !== (all === true)) command.error(`retry needs the id of a ${noun}, or --all`);
      askFor(command, { kind: 'retry', aggregateId });
    });
  const drop = 'give up all its parked commits, so that later ones go on; asks first';
  addGivingUp(deadLetters, 'drop', drop, noun, askFor);
  return deadLetters;
}

/** `skip`, where its parent has it. */
export function addSkipCommand(
  parent: Command,
  noun: string,
  askFor: (command: Command, request: DeadLettersRequest) => void,
): void {
  addGivingUp(parent, 'skip', 'give up the first of its parked commits and retry the others; asks first', noun, askFor);
}

function addGivingUp(
  parent: Command,
  kind: 'skip' | 'drop',
  description: string,
  noun: string,
  askFor: (command: Command, request: DeadLettersRequest) => void,
): void {
  parent
    .command(kind)
    .description(description)
    .argument(`<${noun.toUpperCase()}>`, `the id of a ${noun}`, idOf)
    .option('--yes', 'do not ask first')
    .action((aggregateId: string, { yes }: { yes?: true }, command: Command) =>
      askFor(command, { kind, aggregateId, yes: yes === true }),
    );
}
