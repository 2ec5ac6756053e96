import type { SystemUser } from './unprivileged-user.js';

/** How to start a process: what a shell would be told. */
export interface ServerCommand {
  /** An executable's path, or a name on PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment; `undefined` removes a variable. @default {} */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The user that it runs as; only root may choose. @default this process's */
  readonly user?: SystemUser;
  /** A folder that it finds as `/proc/self/fd/3`, even where its user may not enter those above. @default none */
  readonly openFolder?: string;
}

/** What is wrong with a server that runs and does not mend itself. */
export interface Trouble {
  /** For people. */
  readonly reason: string;
  /** Would a restart end it now? */
  readonly isCurable: boolean;
}

/** A server as data: whoever starts it (a test, the local mesh) decides when, and what to do when it dies. */
export interface ServerDefinition {
  /** Short and unique, for messages and file names: `nats`, `thread-command`. */
  readonly name: string;
  /** Where clients connect. */
  readonly url: string;
  /** The TCP port in `url`. */
  readonly port: number;
  /** Makes folders and configuration; runs before every start, so it must be repeatable. @default nothing */
  readonly prepare?: () => Promise<void>;
  /** Where its output goes, so that nobody's CPU is spent on reading it. @default whoever starts it reads it */
  readonly logFile?: string;
  /** The command to run; asked again before every start. */
  readonly command: () => ServerCommand;
  /**
   * One look at whether it serves.
   * @throws Error whose message says what is wrong
   */
  readonly checkHealth: () => Promise<void>;
  /**
   * Looks, while it runs, for a state that it never leaves by itself; undefined when it is in none. Does not throw.
   * @default there is no such state
   */
  readonly findTrouble?: () => Promise<Trouble | undefined>;
}
