import { join } from 'node:path';
import { exitOf, spawnServer } from '../servers/spawn-server.js';
import { waitUntilHealthy } from '../servers/wait-until-healthy.js';
import { checkPorts } from './check-ports.js';
import { ChildLog, type LogFileSettings } from './child-log.js';
import type { Component, ExternalComponent, TaskComponent } from './component.js';
import { DataDir } from './data-dir.js';
import { inDependencyOrder, reversed } from './dependency-order.js';
import { MeshError } from './mesh-error.js';
import type { BackoffSettings } from './restart-backoff.js';
import { waitingLine } from './waiting-line.js';
import { SupervisedProcess } from './supervised-process.js';

/**
 * - `STARTING`: not everything is healthy yet.
 * - `RUNNING`: everything was healthy; what dies since is restarted.
 * - `DRAINING`: everything is being stopped, in reverse order.
 * - `STOPPED`: nothing runs any more.
 * - `FAILED`: it could not be started; nothing runs any more.
 */
export type MeshState = 'STARTING' | 'RUNNING' | 'DRAINING' | 'STOPPED' | 'FAILED';

/** How a set of components is run. */
export interface StartSettings {
  /** Holds the logs and the note of who runs here. */
  readonly dataDir: string;
  /** Done once the folder is this mesh's, before anything starts. @default nothing */
  readonly prepare?: () => void;
  /** Takes progress: a component's name and what became of it. @default nothing */
  readonly report?: (name: string, line: string) => void;
  /** Takes a child's log line that a person should see. @default nothing */
  readonly showLog?: (name: string, line: string) => void;
  /** Every log line is one of those. @default false */
  readonly showAllLogs?: boolean;
  /** When a child's log is moved away, and how many of it are kept. @default 10 MiB, 3 */
  readonly logFiles?: LogFileSettings;
  readonly backoff?: BackoffSettings;
  /** Stops everything when it aborts, also in the middle of starting. @default never */
  readonly signal?: AbortSignal;
}

/** A set of running components. */
export interface RunningComponents {
  readonly state: MeshState;
  /** The processes by name. */
  readonly processes: ReadonlyMap<string, SupervisedProcess>;
  /** Drains and ends everything in reverse order. May be called twice. */
  stop(): Promise<void>;
  /** Kills everything at once. */
  kill(): void;
}

/**
 * Starts components in the order of their dependencies, each behind the health of those before it.
 * @throws MeshError when a port is taken, another mesh runs on the same folder, or a component does not come up; then
 *   nothing is left running
 */
export async function startComponents(
  components: readonly Component[],
  {
    dataDir,
    prepare,
    report = () => undefined,
    showLog = () => undefined,
    showAllLogs,
    logFiles,
    backoff,
    signal,
  }: StartSettings,
): Promise<RunningComponents> {
  const dir = await DataDir.take(dataDir, (names) => {
    report('mesh', `killing what an earlier run left behind: ${names.join(', ')}`);
  });
  const processes = new Map<string, SupervisedProcess>();
  const logs: ChildLog[] = [];
  let state: MeshState = 'STARTING';
  let stopping: Promise<void> | undefined;

  const openLog = (name: string): ChildLog => {
    const log = new ChildLog(name, { ...logFiles, folder: join(dataDir, 'logs'), show: showLog, showAll: showAllLogs });
    logs.push(log);
    return log;
  };

  const startOne = async (component: Component): Promise<void> => {
    signal?.throwIfAborted();
    const started = performance.now();
    const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
    switch (component.kind) {
      case 'process': {
        const process = new SupervisedProcess(component, {
          log: openLog(component.name),
          report: (line) => report(component.name, line),
          onSpawn: (pid) => dir.noteChild(component.name, pid),
          backoff,
        });
        processes.set(component.name, process);
        await process.start();
        return report(
          component.name,
          `ready in ${seconds()} on ${withoutPassword(component.server.url)} (pid ${process.pid})`,
        );
      }
      case 'task':
        await runTask(component, openLog(component.name), signal);
        return report(component.name, `done in ${seconds()}`);
      case 'external':
        await waitForExternal(
          component,
          (reason, seconds) => report(component.name, waitingLine(reason, seconds)),
          signal,
        );
        return report(component.name, `yours, at ${withoutPassword(component.url)}`);
    }
  };

  const stopAll = async (): Promise<void> => {
    if (state !== 'FAILED') state = 'DRAINING';
    await inDependencyOrder(reversed(components), async ({ name }) => {
      const process = processes.get(name);
      if (process === undefined || process.state === 'STOPPED') return;
      const hasFailed = process.state === 'FAILED';
      await process.stop();
      if (!hasFailed) report(name, 'stopped');
    });
    for (const log of logs) log.close();
    dir.release();
    if (state !== 'FAILED') state = 'STOPPED';
  };
  const stop = () => (stopping ??= stopAll());
  const onAbort = () => void stop();

  try {
    prepare?.();
    await checkPorts(components.flatMap((component) => (component.kind === 'process' ? (component.ports ?? []) : [])));
    signal?.addEventListener('abort', onAbort, { once: true });
    await inDependencyOrder(components, startOne);
    signal?.throwIfAborted();
    state = 'RUNNING';
  } catch (error) {
    if (!signal?.aborted) state = 'FAILED';
    await stop();
    throw error;
  }
  return {
    get state() {
      return state;
    },
    processes,
    stop,
    kill: () => {
      for (const process of processes.values()) process.killForGood();
      dir.release();
      state = 'STOPPED';
    },
  };
}

async function runTask({ name, command, timeoutMs = 120_000 }: TaskComponent, log: ChildLog, signal?: AbortSignal) {
  const child = spawnServer(command(), 'pipe');
  log.follow(child);
  const closed = new Promise((resolve) => child.once('close', resolve));
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(stop, timeoutMs);
  const exit = await exitOf(child);
  await closed;
  clearTimeout(timer);
  signal?.removeEventListener('abort', stop);
  if (exit === 0) return;
  const lastWords = log.tail().map((line) => `\n    ${line}`);
  throw new MeshError(`${name} ended with ${exit}${lastWords.join('')}\n  its log: ${log.path}`);
}

async function waitForExternal(
  { name, url, checkHealth }: ExternalComponent,
  onWaiting: (reason: string, seconds: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await waitUntilHealthy(name, checkHealth, { timeoutMs: 15_000, signal, onWaiting });
  } catch (error) {
    signal?.throwIfAborted();
    throw new MeshError(`${error instanceof Error ? error.message : String(error)} (${withoutPassword(url)})`);
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/([^:@/,]*):[^@/,]*@/g, '//');
}
