/** Words stay common for so long, in milliseconds. */
const KEEP_MS = 600_000;
const MAX_KEPT = 1_000;

/** What was too common for the full-text index lately, so that it is not asked in vain each time. */
export class CommonWords {
  /** With the time until which it is kept, the oldest first. */
  readonly #until = new Map<string, number>();

  has(expression: string): boolean {
    return (this.#until.get(expression) ?? 0) > performance.now();
  }

  add(expression: string): void {
    this.#until.delete(expression);
    this.#until.set(expression, performance.now() + KEEP_MS);
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= MAX_KEPT) return;
      this.#until.delete(oldest);
    }
  }
}
