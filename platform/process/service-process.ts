import { toError } from '../kernel/fault.js';

/** What `runService` needs of a logger. */
export interface ServiceLogger {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
}

/** A running service: how to drain it. */
export interface RunningService {
  /** Finishes what was begun and releases everything. Called once. */
  drain(): Promise<void>;
}

/** INITIALIZED → STARTING → RUNNING → DRAINING → STOPPED, or FAILED from any but the last. */
export type ServiceState = 'INITIALIZED' | 'STARTING' | 'RUNNING' | 'DRAINING' | 'STOPPED' | 'FAILED';

/**
 * Runs a process's one service: starts it, drains it at SIGTERM or SIGINT, and exits with 0 when that went well,
 * with 1 when starting or draining failed or took longer than `drainTimeoutMs`. A second signal exits at once.
 * An error that nobody caught ends the process: its state can no longer be trusted, and the journal can.
 */
export function runService(
  logger: ServiceLogger,
  start: () => Promise<RunningService>,
  { drainTimeoutMs = 15_000 }: { readonly drainTimeoutMs?: number } = {},
): void {
  let state: ServiceState = 'INITIALIZED';
  const fail = (thrown: unknown, message: string): never => {
    state = 'FAILED';
    logger.fatal({ error: toError(thrown), state }, message);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => fail(error, 'uncaught error'));
  process.on('unhandledRejection', (reason) => fail(reason, 'unhandled rejection'));

  let service: RunningService | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (state === 'DRAINING') {
      logger.error({ signal }, 'second signal, exiting at once');
      process.exit(1);
    }
    if (service === undefined) {
      // Perhaps it waits for a server that never comes; it has taken nothing on yet.
      logger.info({ signal }, 'stopped while starting');
      process.exit(0);
    }
    state = 'DRAINING';
    logger.info({ signal, state }, 'draining');
    const timer = setTimeout(
      () => fail(new Error(`not drained within ${drainTimeoutMs} ms`), 'drain timed out'),
      drainTimeoutMs,
    );
    service.drain().then(
      () => {
        clearTimeout(timer);
        state = 'STOPPED';
        logger.info({ state }, 'stopped');
        process.exit(0);
      },
      (error: unknown) => fail(error, 'drain failed'),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  state = 'STARTING';
  start().then(
    (running) => {
      service = running;
      state = 'RUNNING';
      logger.info({ state }, 'started');
    },
    (error: unknown) => fail(error, 'could not start'),
  );
}
