import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { protoClient, type ProtoClient } from '../../platform/testing/proto-client.js';
import { startServiceProcess, type ServiceProcess } from '../../platform/testing/service-process.js';
import { summarize } from '../table.js';

const THREADS = 24;
/** Each thread gets a call so often, unless the one before takes longer. */
export const CALL_EVERY_MS = 100;
/** A caller that waits longer has to repeat. */
const CALL_TIMEOUT_MS = 30_000;

/** A thread-command process, and a client of it. */
export interface Instance {
  readonly service: ServiceProcess;
  readonly commands: ProtoClient;
}

/** What a window of time saw. */
interface Window {
  readonly calls: number[];
  /** For each thread, when it was answered last. */
  readonly answeredAt: Map<string, number>;
  longestGapMs: number;
  failed: number;
}

/** Thread-command processes, and calls to 24 threads through some of them, window by window. */
export class HandoverLoad {
  readonly windows: Record<string, Window[]> = {};
  readonly #account = ulid();
  readonly #instances: Instance[] = [];
  #stay: readonly Instance[] = [];
  #threadIds: string[] = [];
  #current: Window = { calls: [], answeredAt: new Map(), longestGapMs: 0, failed: 0 };
  #isOver = false;
  #posting: Promise<unknown> = Promise.resolve();

  /** @param env of every process */
  constructor(private readonly env: Readonly<Record<string, string>>) {}

  /** One more process. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<Instance> {
    const main = 'dist/services/thread/command/main.js';
    const settings = { LOG_LEVEL: 'info', COMMAND_TIMEOUT_MS: String(CALL_TIMEOUT_MS), ...this.env, ...env };
    const service = await startServiceProcess(main, settings);
    const proto = 'threadweaver/thread/v1/thread_command_service.proto';
    const commands = protoClient(proto, 'threadweaver.thread.v1.ThreadCommandService', service.address);
    const instance = { service, commands };
    this.#instances.push(instance);
    return instance;
  }

  /** Makes the threads and calls them from now on, through these processes in turn. */
  async begin(stay: readonly Instance[]): Promise<void> {
    this.#stay = stay;
    const account = this.#account;
    const creation = { account_id: account, title: 'a thread', administrator_ids: [account] };
    this.#threadIds = await Promise.all(
      Array.from({ length: THREADS }, async (_, index) => {
        const { thread_id } = (await stay[index % stay.length]?.commands.call('CreateThread', creation)) ?? {};
        return String(thread_id);
      }),
    );
    this.#posting = Promise.all(this.#threadIds.map((threadId, index) => this.#post(threadId, index)));
  }

  /** A window: all that is called from the beginning of `disturb` until so long after its end. */
  async look(what: string, disturb: () => Promise<unknown>, afterwardsMs = 0): Promise<void> {
    const answeredAt = new Map(this.#threadIds.map((id) => [id, performance.now()]));
    this.#current = { calls: [], answeredAt, longestGapMs: 0, failed: 0 };
    (this.windows[what] ??= []).push(this.#current);
    await disturb();
    await delay(afterwardsMs);
  }

  /** Lets the last calls be answered. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#posting;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const { service, commands } of this.#instances) {
      commands.close();
      service.kill('SIGKILL');
      await service.exited;
    }
  }

  /** Lines for a table. */
  get rows(): Record<string, string | number>[] {
    const longestOf = (those: readonly Window[]): number =>
      summarize(those.map(({ calls }) => summarize(calls).max)).p50;
    const reference = longestOf(this.windows.undisturbed ?? []);
    return Object.entries(this.windows).map(([what, those]) => {
      const { p50, p99, max } = summarize(those.flatMap(({ calls }) => calls));
      const longest = longestOf(those);
      return {
        'ms a call': what,
        p50,
        p99,
        'longest of a window, median': longest,
        'of reference': longest / reference,
        longest: max,
        'longest gap': Math.max(...those.map(({ longestGapMs }) => longestGapMs)),
        failed: those.reduce((sum, { failed }) => sum + failed, 0),
      };
    });
  }

  async #post(thread_id: string, index: number): Promise<void> {
    await delay((index * CALL_EVERY_MS) / THREADS);
    for (let turn = index; !this.#isOver; turn += 1) {
      const startedAt = performance.now();
      const window = this.#current;
      const request = { request_id: ulid(), account_id: this.#account, thread_id, messages: [{ text: 'hi' }] };
      try {
        await this.#stay[turn % this.#stay.length]?.commands.call('AddMessages', request);
      } catch (error) {
        if (this.#isOver) return;
        window.failed += 1;
        console.error(error);
      }
      const now = performance.now();
      window.calls.push(now - startedAt);
      // A call that began in the window before is still counted there, but the gap that it ends is in this one.
      const current = this.#current;
      current.longestGapMs = Math.max(current.longestGapMs, now - (current.answeredAt.get(thread_id) ?? now));
      current.answeredAt.set(thread_id, now);
      await delay(Math.max(0, CALL_EVERY_MS - (now - startedAt)));
    }
  }
}
