import { Backoff } from '../process/backoff.js';
import type { ProjectionObserver } from './projection-observer.js';

export interface ProjectionHealthOptions {
  readonly observer: ProjectionObserver;
  /** So long may projecting fail before it counts as unhealthy. */
  readonly unhealthyAfterMs: number;
  /** Longest wait between tries. */
  readonly maxRetryMs: number;
}

/** Whether a projector projects, and how long it waits after a failure. */
export class ProjectionHealth {
  readonly #retry: Backoff;
  readonly #yielding = new Backoff({ firstMs: 20, maxMs: 1_000 });
  #isHealthy: boolean | undefined;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ProjectionHealthOptions) {
    const { maxRetryMs } = options;
    this.#retry = new Backoff({ firstMs: Math.min(50, maxRetryMs), maxMs: maxRetryMs });
  }

  /** False before the first success or long trouble. */
  get isKnown(): boolean {
    return this.#isHealthy !== undefined;
  }

  succeeded(): void {
    this.#retry.reset();
    this.#yielding.reset();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#set(true);
  }

  /** @returns how long to wait, in milliseconds */
  troubled(error: Error): number {
    const { observer, unhealthyAfterMs } = this.options;
    const retryInMs = this.#retry.next();
    observer({ kind: 'troubled', error, retryInMs: Math.round(retryInMs) });
    if (!this.#isStopped) this.#timer ??= setTimeout(() => this.#set(false), unhealthyAfterMs);
    return retryInMs;
  }

  /** @returns how long to leave the field to the other projector, in milliseconds */
  overtaken(): number {
    this.options.observer({ kind: 'overtaken' });
    // Somebody projects, into a store that answers: what was wrong here is over.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#set(true);
    return this.#yielding.next();
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #set(isHealthy: boolean): void {
    if (this.#isHealthy === isHealthy || this.#isStopped) return;
    this.#isHealthy = isHealthy;
    this.options.observer({ kind: 'health-changed', isHealthy });
  }
}
