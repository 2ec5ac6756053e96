import type { ChildProcess } from 'node:child_process';
import type { Trouble } from '../servers/server-definition.js';
import { exitOf, spawnServer } from '../servers/spawn-server.js';
import { waitUntilHealthy } from '../servers/wait-until-healthy.js';
import type { ChildLog } from './child-log.js';
import type { ProcessComponent } from './component.js';
import { MeshError } from './mesh-error.js';
import { waitingLine } from './waiting-line.js';
import { type BackoffSettings, restartDelayMs } from './restart-backoff.js';

/**
 * - `INITIALIZED`: not started yet.
 * - `STARTING`: spawned, not healthy yet.
 * - `RUNNING`: was healthy since it was spawned.
 * - `RESTARTING`: died, waits to be spawned again.
 * - `DRAINING`: asked to end.
 * - `STOPPED`: ended because it was asked to.
 * - `FAILED`: ended before it was healthy for the first time; not restarted.
 */
export type ProcessState = 'INITIALIZED' | 'STARTING' | 'RUNNING' | 'RESTARTING' | 'DRAINING' | 'STOPPED' | 'FAILED';

/** What a supervised process tells, and how it is treated. */
export interface SupervisionSettings {
  readonly log: ChildLog;
  /** Takes a line about the process's fate. */
  readonly report: (line: string) => void;
  /** Told of each new process. @default nothing */
  readonly onSpawn?: (pid: number) => void;
  readonly backoff?: BackoffSettings;
  /** After this long in health, the next death counts as the first. @default 30_000 */
  readonly resetBackoffAfterMs?: number;
  /** How long the first start may take until it is healthy; NATS with 16,000 streams needs one minute. @default 180_000 */
  readonly startTimeoutMs?: number;
  /** How often a process that runs is looked at for trouble that it does not get out of by itself. @default 2_000 */
  readonly lookEveryMs?: number;
}

const STOP_TIMEOUT_MS = 20_000;
/** So long a process in trouble gets to end in good order before it is restarted. */
const ENDING_MS = 5_000;

/** Keeps one component's process alive: restarts it when it dies, until it is stopped. */
export class SupervisedProcess {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  private child: ChildProcess | undefined;
  private current: ProcessState = 'INITIALIZED';
  private restartTimer: NodeJS.Timeout | undefined;
  private restartsInARow = 0;
  private healthySince: number | undefined;
  private restartCount = 0;
  private lookTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly component: ProcessComponent,
    private readonly settings: SupervisionSettings,
  ) {
    ({ name: this.name } = component);
    ({ url: this.url, port: this.port } = component.server);
  }

  get state(): ProcessState {
    return this.current;
  }

  /** Of the present process, 0 when there is none. */
  get pid(): number {
    return this.isAlive() ? (this.child?.pid ?? 0) : 0;
  }

  /** How often it was started again after it had died. */
  get restarts(): number {
    return this.restartCount;
  }

  /**
   * Starts it and waits until it is healthy.
   * @throws MeshError with its last output when it ends before that, or takes too long
   */
  async start(): Promise<void> {
    this.current = 'STARTING';
    let child: ChildProcess | undefined;
    try {
      await this.component.server.prepare?.();
      if (this.isEnding()) throw new Error(`${this.name} was stopped while it started`);
      child = this.spawn();
      await this.untilHealthy(child, this.settings.startTimeoutMs ?? 180_000);
      this.becomeRunning(child);
    } catch (error) {
      if (!this.isEnding()) this.current = 'FAILED';
      child?.kill('SIGKILL');
      if (child !== undefined) await outputEnd(child);
      throw new MeshError(`${messageOf(error)}${this.lastWords()}\n  its log: ${this.settings.log.path}`);
    }
  }

  /**
   * Waits until a process runs and answers its health check, through any number of restarts.
   * @param timeoutMs @default 30_000
   * @throws Error when that takes too long
   */
  async waitHealthy(timeoutMs = 30_000): Promise<void> {
    const check = async () => {
      if (this.current !== 'RUNNING' || !this.isAlive()) throw new Error(`it is ${this.current}`);
      await this.component.server.checkHealth();
    };
    await waitUntilHealthy(this.name, check, { timeoutMs });
  }

  /** What is wrong with it that it does not mend itself, if anything is. */
  async findTrouble(): Promise<Trouble | undefined> {
    return this.component.server.findTrouble?.();
  }

  /**
   * Sends a signal to the process, as an accident would: if it dies, it is restarted. After SIGKILL, waits until it is
   * gone.
   */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    const gone = exitOf(child);
    child.kill(signal);
    if (signal === 'SIGKILL') await gone;
  }

  /** Drains and ends it; SIGKILL when it takes too long. Does nothing when it does not run. */
  async stop(): Promise<void> {
    if (this.current === 'STOPPED') return;
    clearTimeout(this.restartTimer);
    clearTimeout(this.lookTimer);
    const wasRunning = this.current === 'RUNNING';
    this.current = 'DRAINING';
    const { child } = this;
    if (child !== undefined && this.isAlive()) {
      // A child that was paused would neither drain nor take SIGTERM.
      child.kill('SIGCONT');
      if (wasRunning) await this.component.beforeStop?.().catch(() => undefined);
      child.kill('SIGTERM');
      const timeoutMs = this.component.stopTimeoutMs ?? STOP_TIMEOUT_MS;
      const hardKill = setTimeout(() => {
        this.settings.report(`did not end within ${timeoutMs / 1000} s, killed`);
        child.kill('SIGKILL');
      }, timeoutMs);
      await exitOf(child);
      clearTimeout(hardKill);
    }
    this.current = 'STOPPED';
  }

  /** Ends it at once, for good. */
  killForGood(): void {
    clearTimeout(this.restartTimer);
    clearTimeout(this.lookTimer);
    this.current = 'STOPPED';
    this.child?.kill('SIGKILL');
  }

  private spawn(): ChildProcess {
    const child = spawnServer(this.component.server.command(), 'pipe');
    this.child = child;
    this.settings.log.follow(child);
    if (child.pid !== undefined) this.settings.onSpawn?.(child.pid);
    void exitOf(child).then((exit) => this.onExit(child, exit));
    return child;
  }

  private async untilHealthy(child: ChildProcess, timeoutMs: number): Promise<void> {
    const gone = new AbortController();
    void exitOf(child).then((exit) => gone.abort(new Error(`${this.name} ended with ${exit}`)));
    const { checkHealth } = this.component.server;
    await waitUntilHealthy(this.name, checkHealth, {
      timeoutMs,
      signal: gone.signal,
      onWaiting: (reason, seconds) => this.settings.report(waitingLine(reason, seconds, this.settings.log.tail(1)[0])),
    });
    gone.signal.throwIfAborted();
  }

  private becomeRunning(child: ChildProcess): void {
    if (this.child !== child || this.current !== 'STARTING') return;
    this.current = 'RUNNING';
    this.healthySince = performance.now();
    this.lookLater(child, undefined);
  }

  /** @param known the trouble that is told already */
  private lookLater(child: ChildProcess, known: string | undefined): void {
    const { findTrouble } = this.component.server;
    if (findTrouble === undefined) return;
    const look = async (): Promise<void> => {
      const trouble = await findTrouble();
      if (this.child !== child || this.current !== 'RUNNING') return;
      // Seen twice: it does not pass.
      if (trouble?.isCurable === true && known !== undefined) {
        this.settings.report(`only a restart ends that (${trouble.reason}); restarting it`);
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), ENDING_MS).unref();
        return;
      }
      if (trouble !== undefined && known === undefined) this.settings.report(`is in trouble: ${trouble.reason}`);
      this.lookLater(child, trouble?.reason);
    };
    this.lookTimer = setTimeout(() => void look(), this.settings.lookEveryMs ?? 2_000).unref();
  }

  private async onExit(child: ChildProcess, exit: number | NodeJS.Signals): Promise<void> {
    if (this.child !== child || this.isEnding()) return;
    // Before the first health, `start` tells its caller; there is nothing to restore yet.
    if (this.current === 'STARTING' && this.restartCount === 0) return;
    this.current = 'RESTARTING';
    const healthyMs = this.healthySince === undefined ? 0 : performance.now() - this.healthySince;
    this.healthySince = undefined;
    if (healthyMs >= (this.settings.resetBackoffAfterMs ?? 30_000)) this.restartsInARow = 0;
    await outputEnd(child);
    // Ended by a signal, it had nothing to say about the reason.
    this.scheduleRestart(`ended with ${exit}`, typeof exit === 'number' ? this.lastWords() : '');
  }

  private scheduleRestart(reason: string, details = ''): void {
    if (this.isEnding()) return;
    this.current = 'RESTARTING';
    const delayMs = restartDelayMs(this.restartsInARow, Math.random(), this.settings.backoff);
    this.restartsInARow += 1;
    this.restartCount += 1;
    const when = delayMs === 0 ? 'now' : `in ${(delayMs / 1000).toFixed(2)} s`;
    this.settings.report(`${reason}; restarting ${when}${details}`);
    this.restartTimer = setTimeout(() => void this.restart(), delayMs);
  }

  private async restart(): Promise<void> {
    const started = performance.now();
    let child: ChildProcess | undefined;
    try {
      await this.component.server.prepare?.();
      if (this.isEnding()) return;
      this.current = 'STARTING';
      child = this.spawn();
      // As long as the process lives it may take its time: NATS, for one, first reads all its streams.
      await this.untilHealthy(child, Number.POSITIVE_INFINITY);
      this.becomeRunning(child);
      this.settings.report(`is back after ${((performance.now() - started) / 1000).toFixed(1)} s (pid ${child.pid})`);
    } catch (error) {
      // When the process ended, onExit arranges the next attempt.
      if (child === undefined) this.scheduleRestart(messageOf(error));
    }
  }

  private isAlive(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  private isEnding(): boolean {
    return this.current === 'DRAINING' || this.current === 'STOPPED' || this.current === 'FAILED';
  }

  private lastWords(): string {
    return this.settings.log
      .tail()
      .map((line) => `\n    ${line}`)
      .join('');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A process's last lines arrive after its end, but a grandchild may hold the pipe open: so not for long. */
async function outputEnd(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 200);
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
