import { setTimeout as sleep } from 'node:timers/promises';
import type { ThreadApi, WatchedCommit } from '../transports/thread-api.js';

const RECONNECT_MS = 100;

/** Watches a thread, and goes on after the last version when it is cut off. */
export class Watcher {
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #version: number;
  #waiting: (() => void) | undefined;

  /** Begins to watch. @param thread its version: what came before it is not asked for */
  constructor(
    private readonly api: ThreadApi,
    private readonly thread: { readonly accountId: string; readonly threadId: string; readonly version: number },
    private readonly onCommit: (commit: WatchedCommit) => void,
  ) {
    this.#version = thread.version;
    this.#done = this.#watch();
  }

  /** Waits until a version has come. @returns false when it has not come in time */
  async reached(version: number, timeoutMs: number): Promise<boolean> {
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), timeoutMs);
    while (this.#version < version && !giveUp.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        giveUp.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    clearTimeout(timer);
    return this.#version >= version;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #watch(): Promise<void> {
    const { accountId, threadId, version: minVersion } = this.thread;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const request = { accountId, threadId, fromVersion: this.#version + 1, minVersion };
        for await (const commit of this.api.watchThread(request, signal)) {
          this.#version = commit.version;
          this.onCommit(commit);
          this.#waiting?.();
        }
      } catch {
        // Whoever waits for a version sees whether it came; being cut off alone is no failure.
      }
      if (!signal.aborted) await sleep(RECONNECT_MS);
    }
  }
}
