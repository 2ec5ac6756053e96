import { pino, type Logger } from 'pino';

export type { Logger };

/** A logger that writes JSON lines to stdout. `level` is one of pino's: trace, debug, info, warn, error, fatal, silent. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    errorKey: 'error',
  });
}
