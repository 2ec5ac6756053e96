import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkGrpcHealth } from '../../mesh/local/grpc-health.js';
import { projectRoot } from '../../platform/process/project-root.js';

type LogLine = Readonly<Record<string, unknown>>;

/** A service as production starts it: compiled, in a process of its own. */
export interface BenchService {
  readonly pid: number;
  readonly address: string;
  /** From its start until it was SERVING. */
  readonly startMs: number;
  /** When a line with that `msg` was logged, past or future, and the line. */
  logged(msg: string): Promise<{ line: LogLine; afterMs: number }>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Starts it on a free port and waits until it is SERVING.
 * @param main below `dist/services`, such as `thread/command/main.js`
 */
export async function startService(main: string, env: Readonly<Record<string, string>>): Promise<BenchService> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', join(projectRoot, 'dist', 'services', main)], {
    env: { ...process.env, GRPC_HOST: '127.0.0.1', GRPC_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines: { line: LogLine; afterMs: number }[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on('line', (text) => {
    if (!text.startsWith('{')) return;
    lines.push({ line: JSON.parse(text) as LogLine, afterMs: performance.now() - startedAt });
    for (const look of waiting) look();
  });
  const logged: BenchService['logged'] = (msg) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(({ line }) => line.msg === msg);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void exited.then(() => reject(new Error(`${main} ended: ${JSON.stringify(lines.at(-1)?.line)}`)));
    });
  const address = `127.0.0.1:${String((await logged('listening')).line.port)}`;
  for (;;) {
    try {
      await checkGrpcHealth(address);
      break;
    } catch {
      // Not yet.
      await delay(5);
    }
  }
  return {
    pid: child.pid ?? 0,
    address,
    startMs: performance.now() - startedAt,
    logged,
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
