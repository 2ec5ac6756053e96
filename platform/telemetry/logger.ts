import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger };

/** A logger that writes JSON lines to stdout. `level` is one of pino's: trace, debug, info, warn, error, fatal, silent. */
export function createLogger(service: string, level: string): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      errorKey: 'error',
    },
    lineSink(),
  );
}

/** So many characters are written before the turn ends. */
const MAX_HELD = 16_000;

/**
 * Writes a turn's lines to stdout at once, when the event loop's turn ends: under load, several calls share one system
 * call. `fatal` and the end of the process write at once; only a SIGKILL within the turn takes its lines along.
 */
function lineSink(): DestinationStream & { flushSync(): void } {
  const stdout = pino.destination({ fd: process.stdout.fd, sync: true, minLength: MAX_HELD });
  let isHeld = false;
  // Not flushSync, which waits until a file's lines are on the disk.
  const writeHeld = (): void => {
    isHeld = false;
    stdout.flush();
  };
  process.on('exit', () => stdout.flushSync());
  return {
    write(line) {
      stdout.write(line);
      if (isHeld) return;
      isHeld = true;
      setImmediate(writeHeld);
    },
    flushSync: () => stdout.flushSync(),
  };
}

let timeMs = 0;
let timeText = '';

/** ISO 8601 in UTC. Lines of the same millisecond share the text, which takes longer to make than the rest of a line. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timeMs) {
    timeMs = now;
    timeText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return timeText;
}
