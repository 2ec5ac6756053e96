/** Waits between tries: doubling from `firstMs` to `maxMs`, each with full jitter over its upper half. */
export class Backoff {
  #nextMs: number;

  constructor(private readonly limits: { readonly firstMs: number; readonly maxMs: number }) {
    this.#nextMs = limits.firstMs;
  }

  /** How long to wait now, in milliseconds. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.limits.maxMs);
    return ms * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.#nextMs = this.limits.firstMs;
  }
}
