import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-ports.js';
import { type NatsServerSettings, natsServer } from './nats-server.js';
import { type MySqlServerSettings, mySqlServer } from './mysql-server.js';
import type { ServerDefinition } from './server-definition.js';
import { exitOf, spawnServer } from './spawn-server.js';
import { waitUntilHealthy } from './wait-until-healthy.js';

/**
 * - `STARTING`: spawned, not healthy yet.
 * - `RUNNING`: it was healthy.
 * - `STOPPED`: it exited because it was asked to.
 * - `FAILED`: it exited by itself.
 */
export type ServerState = 'STARTING' | 'RUNNING' | 'STOPPED' | 'FAILED';

/** A real server that a test started. */
export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Of the present process; another one after `restart`. */
  readonly pid: number;
  readonly state: ServerState;
  /** Sends a signal; after SIGKILL or SIGTERM, waits until the process is gone. Its data stay for `restart`. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Stops it if it runs, starts it again on the same port and data, and waits until it is healthy. */
  restart(): Promise<void>;
  /** Stops it and removes its temporary data. May be called twice. */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 15_000;
const KEPT_OUTPUT_CHARS = 4_000;

/** Starts a real nats-server with JetStream, by default on a free port with data of its own. */
export async function startNatsServer(settings: Partial<NatsServerSettings> = {}): Promise<RunningServer> {
  return startInTemporaryFolder('nats', settings, natsServer);
}

/** Starts a real MariaDB or MySQL, by default on a free port with data of its own. */
export async function startMySqlServer(settings: Partial<MySqlServerSettings> = {}): Promise<RunningServer> {
  return startInTemporaryFolder('mysql', { bufferPoolMib: 64, ...settings }, mySqlServer);
}

async function startInTemporaryFolder<S extends { port: number; dataDir: string }>(
  name: string,
  settings: Partial<S>,
  define: (settings: S) => ServerDefinition,
): Promise<RunningServer> {
  const temporaryDir = settings.dataDir ? undefined : await mkdtemp(join(tmpdir(), `threadweaver-${name}-`));
  const removeData = async () => {
    if (temporaryDir !== undefined) await rm(temporaryDir, { recursive: true, force: true });
  };
  const port = settings.port ?? (await freePort());
  try {
    return await startServer(define({ ...settings, port, dataDir: settings.dataDir ?? temporaryDir } as S), removeData);
  } catch (error) {
    await removeData();
    throw error;
  }
}

/**
 * Starts a server and waits until it is healthy.
 * @param afterStop runs once, when the server is stopped for good
 * @throws Error with the end of the server's output when it does not become healthy
 */
export async function startServer(
  definition: ServerDefinition,
  afterStop: () => Promise<void> = () => Promise.resolve(),
): Promise<RunningServer> {
  let child: ChildProcess | undefined;
  let state: ServerState = 'STARTING';

  const start = async () => {
    state = 'STARTING';
    await definition.prepare?.();
    const { readEnd, child: started } = spawnLogged(definition);
    child = started;
    const gone = new AbortController();
    void exitOf(started).then((exit) => {
      gone.abort(new Error(`${definition.name} ended with ${exit}:\n${readEnd()}`));
      if (child === started && state !== 'STOPPED') state = 'FAILED';
    });
    await waitUntilHealthy(definition.name, definition.checkHealth, { signal: gone.signal });
    state = 'RUNNING';
  };

  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined) return;
    state = 'STOPPED';
    child.kill(signal);
    // A paused process would take its SIGTERM only when it goes on.
    child.kill('SIGCONT');
    const hardKill = setTimeout(() => child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exitOf(child);
    clearTimeout(hardKill);
  };

  let stopping: Promise<void> | undefined;
  const server: RunningServer = {
    url: definition.url,
    port: definition.port,
    get pid() {
      return child?.pid ?? 0;
    },
    get state() {
      return state;
    },
    kill: async (signal) => {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await end(signal);
      else child?.kill(signal);
    },
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    stop: () => (stopping ??= end('SIGTERM').then(afterStop)),
  };
  try {
    await start();
    return server;
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
}

/** Starts a server. @returns it, and what reads the end of its output */
function spawnLogged({ command, logFile }: ServerDefinition): { child: ChildProcess; readEnd: () => string } {
  if (logFile !== undefined) {
    const file = openSync(logFile, 'a');
    const child = spawnServer(command(), file);
    closeSync(file);
    return { child, readEnd: () => readFileSync(logFile, 'utf8').slice(-KEPT_OUTPUT_CHARS) };
  }
  let output = '';
  const child = spawnServer(command(), 'pipe');
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-KEPT_OUTPUT_CHARS)));
  }
  return { child, readEnd: () => output };
}
