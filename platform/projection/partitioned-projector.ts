import type { PartitionOwnership } from '../ownership/partition-ownership.js';
import type { ProjectionObserver } from './projection-observer.js';
import type { Projector } from './projector.js';

export interface PartitionedProjectorOptions {
  /** Which partitions are this process's. */
  readonly ownership: PartitionOwnership;
  readonly observer: ProjectionObserver;
  /** A projector of one partition, not started. */
  newProjector(partition: number, observer: ProjectionObserver): Projector;
  /** How often all partitions are compared with the journal. @default 300000 */
  readonly reconcileEveryMs?: number;
}

/**
 * Runs a projector for each partition that the members' agreement gives to this process. That agreement only spares
 * quarrels: what keeps two from projecting the same is the fence in each partition's checkpoint.
 */
export class PartitionedProjector {
  readonly #running = new Map<number, Projector>();
  /** Projectors that finish their last batch. */
  readonly #ending = new Map<number, Promise<void>>();
  readonly #healthy = new Map<number, boolean>();
  #isHealthy: boolean | undefined;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PartitionedProjectorOptions) {}

  /** Partitions that are projected here. */
  get partitions(): readonly number[] {
    return [...this.#running.keys()].sort((left, right) => left - right);
  }

  /** How far the feed is projected, by partition that is projected here; those that have not begun are left out. */
  get positions(): ReadonlyMap<number, number> {
    const known = [...this.#running].map(([partition, { position }]) => [partition, position] as const);
    return new Map(known.filter((entry): entry is [number, number] => entry[1] !== undefined));
  }

  /** Follows the ownership from now on. */
  start(): void {
    const { ownership, reconcileEveryMs = 300_000 } = this.options;
    ownership.onChange(() => this.#settle());
    this.#timer = setInterval(() => {
      for (const projector of this.#running.values()) projector.reconcile();
    }, reconcileEveryMs);
    this.#settle();
  }

  /** Finishes the batches under way and stops. */
  async drain(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const partition of [...this.#running.keys()]) this.#stop(partition);
    await Promise.all(this.#ending.values());
  }

  #settle(): void {
    if (this.#isStopped) return;
    const { owned } = this.options.ownership;
    for (const partition of [...this.#running.keys()]) if (!owned.has(partition)) this.#stop(partition);
    for (const partition of owned) if (!this.#running.has(partition)) this.#start(partition);
    this.#reportHealth();
  }

  #start(partition: number): void {
    const { observer, newProjector } = this.options;
    const projector = newProjector(partition, (event) => {
      if (event.kind !== 'health-changed') return observer(event);
      if (this.#running.get(partition) !== projector) return;
      this.#healthy.set(partition, event.isHealthy);
      this.#reportHealth();
    });
    this.#running.set(partition, projector);
    const begin = (): void => {
      if (this.#running.get(partition) === projector) projector.start();
    };
    const ending = this.#ending.get(partition);
    if (ending === undefined) begin();
    else void ending.then(begin);
  }

  #stop(partition: number): void {
    const projector = this.#running.get(partition);
    this.#running.delete(partition);
    this.#healthy.delete(partition);
    if (projector === undefined) return;
    const before = this.#ending.get(partition);
    const drained = before === undefined ? projector.drain() : before.then(() => projector.drain());
    const ending = drained.finally(() => {
      if (this.#ending.get(partition) === ending) this.#ending.delete(partition);
    });
    this.#ending.set(partition, ending);
  }

  /** Of the whole: well when every partition that is projected here is; ill as soon as one is. */
  #reportHealth(): void {
    const { ownership, observer } = this.options;
    // Until the members have agreed, nothing is known.
    if (ownership.membership.assignment === undefined) return;
    const states = [...this.#running.keys()].map((partition) => this.#healthy.get(partition));
    const isHealthy = states.includes(false) ? false : states.includes(undefined) ? undefined : true;
    if (isHealthy === undefined || isHealthy === this.#isHealthy || this.#isStopped) return;
    this.#isHealthy = isHealthy;
    observer({ kind: 'health-changed', isHealthy });
  }
}
