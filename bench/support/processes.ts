import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { startServer } from '../../mesh/servers/start-server.js';

/** A process under test, or a reference. */
export interface BenchProcess {
  readonly pid: number;
  /** Of its gRPC server: `127.0.0.1:PORT`. */
  readonly address: string;
  readonly port: number;
  /** Its log so far. */
  log(): string;
  /** Ends it, without removing its log. */
  kill(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export interface BenchProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Further options of node, such as `--cpu-prof`. @default those of BENCH_NODE_OPTIONS_<name>, else none */
  readonly nodeOptions?: readonly string[];
}

/**
 * Starts a compiled main file as production does, and waits until it says that it listens: a line of JSON with `msg`
 * "listening" and `port`. Its log goes to a file, so that nobody's CPU is spent on reading it.
 *
 * @param main its source, such as `services/thread/command/main.ts` or `bench/references/crud.ts`
 */
export async function startBenchProcess(
  main: string,
  { env = {}, nodeOptions = nodeOptionsFor(main) }: BenchProcessOptions = {},
): Promise<BenchProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-bench-'));
  const logFile = join(folder, 'log');
  const log = (): string => readFileSync(logFile, 'utf8');
  const compiled = join(projectRoot, 'dist', main.replace(/\.ts$/, '.js'));
  let port = 0;
  const server = await startServer(
    {
      ...{ name: main, url: '', port, logFile },
      command: () => ({
        command: process.execPath,
        args: ['--enable-source-maps', ...nodeOptions, compiled],
        env: { GRPC_HOST: '127.0.0.1', GRPC_PORT: '0', ...env },
      }),
      checkHealth: async () => void (port = listeningPort(log())),
    },
    () => rm(folder, { recursive: true, force: true }),
  );
  return {
    pid: server.pid,
    address: `127.0.0.1:${port}`,
    port,
    log,
    kill: (signal) => server.kill(signal),
    stop: () => server.stop(),
  };
}

function listeningPort(log: string): number {
  for (const text of log.split('\n')) {
    if (!text.startsWith('{') || !text.includes('"listening"')) continue;
    const { port } = JSON.parse(text) as { port?: number };
    if (port !== undefined) return port;
  }
  throw new Error('it does not listen yet');
}

/** `BENCH_NODE_OPTIONS_THREAD_COMMAND="--cpu-prof --cpu-prof-dir=…"` profiles services/thread/command. */
function nodeOptionsFor(main: string): string[] {
  const parts = main.replace(/(\/main)?\.ts$/, '').split('/');
  const name = (parts.at(-1) ?? '').toUpperCase().replaceAll('-', '_');
  return (process.env[`BENCH_NODE_OPTIONS_${name}`] ?? '').split(' ').filter((option) => option !== '');
}
