import type { ServerCommand, ServerDefinition } from '../servers/server-definition.js';

/** A TCP port that a component will listen on. */
export interface PortClaim {
  readonly port: number;
  /** The address it binds. @default '127.0.0.1' */
  readonly host?: string;
  /** Who wants it, for messages: `MySQL`. */
  readonly purpose: string;
  /** The environment variable that changes it. */
  readonly variable: string;
}

interface ComponentBasics {
  /** Unique; also the name of its log file. */
  readonly name: string;
  /** Names of the components that must be healthy (a task: done) before this one starts, and that outlive it. */
  readonly dependsOn: readonly string[];
}

/** A process that runs as long as the mesh, and is restarted when it dies. */
export interface ProcessComponent extends ComponentBasics {
  readonly kind: 'process';
  readonly server: ServerDefinition;
  /** @default [] */
  readonly ports?: readonly PortClaim[];
  /** Asked for before SIGTERM, e.g. to let running requests end. A failure is ignored. @default nothing */
  readonly beforeStop?: () => Promise<void>;
  /** How long it may take to end after SIGTERM, before SIGKILL. @default 20_000 */
  readonly stopTimeoutMs?: number;
}

/** A command that runs once, to its end, at every start. */
export interface TaskComponent extends ComponentBasics {
  readonly kind: 'task';
  readonly command: () => ServerCommand;
  /** @default 120_000 */
  readonly timeoutMs?: number;
}

/** Something that runs elsewhere: it is waited for, and neither started nor stopped. */
export interface ExternalComponent extends ComponentBasics {
  readonly kind: 'external';
  readonly url: string;
  readonly checkHealth: () => Promise<void>;
}

/** A part of the mesh, as data. More instances of a service are more components. */
export type Component = ProcessComponent | TaskComponent | ExternalComponent;
