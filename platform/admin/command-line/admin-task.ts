import type { Command } from 'commander';
import type { Context } from '../../journal/context.js';
import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import type { ProgressOutput } from '../../process/terminal-progress.js';

/** A context as its operators look after it. */
export interface AdministeredContext {
  readonly context: Context;
  /** Of its projectors; a command that concerns one of several is told which by --projection. */
  readonly projections: readonly ProjectionDeclaration[];
  /** Names of its reactions. @default none */
  readonly reactions?: readonly string[];
}

/** Where a task's lines go while it runs. */
export interface AdminOutput {
  /** For a person; not printed with --json. */
  say(line: string): void;
  /** What is wrong, at once. */
  warn(line: string): void;
  readonly progress: ProgressOutput;
}

/** How a task has ended. */
export interface AdminResult {
  /** 0 when all is well. */
  readonly code: number;
  /** What --json prints. */
  readonly data: unknown;
}

/** What a command line asks for. */
export interface AdminTask {
  /** Stands before messages on stderr. */
  readonly name: string;
  /** What is asked for, for whoever only reads command lines. */
  readonly request: object;
  /** @throws Fault with a message for a person */
  run(output: AdminOutput): Promise<AdminResult>;
  /** Lines for what `run` has thrown. @default its message */
  explain?(error: Error): string[];
}

/** Takes what a command line asks for; nothing is carried out while arguments are read. */
export type Ask = (command: Command, task: AdminTask) => void;

/** What a user types in front of a context's commands. */
export function commandPrefixOf({ name }: Pick<Context, 'name'>): string {
  return `npm run admin -- ${name}`;
}
