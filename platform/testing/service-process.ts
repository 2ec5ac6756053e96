import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawnCommand } from './command-process.js';

/** One JSON line of a service's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A service that runs in a process of its own, as in production, but from its source. */
export interface ServiceProcess {
  /** Where its gRPC server listens. */
  readonly address: string;
  readonly logLines: readonly LogLine[];
  /** The first line, past or future, that fits; rejects when the process ends without one. */
  logLine(fits: (line: LogLine) => boolean): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
}

/**
 * Runs a service's main file on a free port and waits until it listens.
 * @param main path of the file, such as `services/thread/command/main.ts`
 */
export async function startServiceProcess(main: string, env: Record<string, string>): Promise<ServiceProcess> {
  const child = spawnCommand(main, [], { GRPC_HOST: '127.0.0.1', GRPC_PORT: '0', LOG_LEVEL: 'debug', ...env });
  child.stderr?.pipe(process.stderr, { end: false });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const logLines: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  if (child.stdout === null) throw new Error('no stdout');
  const output = createInterface(child.stdout);
  output.on('line', (text) => {
    if (!text.startsWith('{')) return;
    const line = JSON.parse(text) as LogLine;
    logLines.push(line);
    for (const look of waiting) look(line);
  });
  const logLine = (fits: (line: LogLine) => boolean): Promise<LogLine> =>
    new Promise((resolve, reject) => {
      const past = logLines.find(fits);
      if (past !== undefined) return resolve(past);
      const look = (line: LogLine): void => {
        if (!fits(line)) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      output.once('close', () =>
        reject(new Error(`${main} ended without that line: ${JSON.stringify(logLines.at(-1))}`)),
      );
    });
  const { port } = await logLine(({ msg }) => msg === 'listening');
  return {
    address: `127.0.0.1:${String(port)}`,
    logLines,
    logLine,
    kill: (signal) => void child.kill(signal),
    exited,
  };
}
