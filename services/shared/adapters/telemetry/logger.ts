import { destination, pino, type Logger } from 'pino';

export type { Logger };

/** Lines are written together from so many bytes on, or after so many milliseconds: a write for each costs as much as the line. */
const BUFFERED_BYTES = 8_192;
const FLUSH_EVERY_MS = 100;

/** A logger that writes JSON lines to stdout. `level` is one of pino's: trace, debug, info, warn, error, fatal, silent.
 * Lines are at most 100 ms late; of a process that is killed by SIGKILL the last ones are lost. */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      errorKey: 'error',
    },
    destination({ fd: 1, sync: false, minLength: BUFFERED_BYTES, periodicFlush: FLUSH_EVERY_MS }),
  );
}
