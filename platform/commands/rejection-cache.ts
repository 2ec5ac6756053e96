/**
 * Rejections in memory, each for at least `keepMs` and less than twice that. There are never more than `maxCount`: above,
 * the older half goes at once.
 */
export class RejectionCache<Rejection> {
  // Two generations: to forget entries one by one costs more, in time and in timers.
  #young = new Map<string, Rejection>();
  #old = new Map<string, Rejection>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    keepMs: number,
    private readonly maxCount: number,
  ) {
    this.#timer = setInterval(() => this.#age(), keepMs).unref();
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Rejection | undefined {
    // Most often there are none.
    return this.size === 0 ? undefined : (this.#young.get(key) ?? this.#old.get(key));
  }

  add(key: string, rejection: Rejection): void {
    if (this.#young.size >= this.maxCount / 2) {
      this.#age();
      this.#timer.refresh();
    }
    this.#young.set(key, rejection);
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
