/** Counts what each holder (a client, an account) has of something, and gives nobody more than one holder may have. */
export class Shares {
  readonly #taken = new Map<string, number>();

  /** @param maxEach what one holder may have at once */
  constructor(readonly maxEach: number) {}

  /** How much a holder has now. */
  of(holder: string): number {
    return this.#taken.get(holder) ?? 0;
  }

  /** Takes one for a holder. @returns what gives it back (once, however often it is called); undefined: it has enough */
  take(holder: string): (() => void) | undefined {
    const taken = this.of(holder);
    if (taken >= this.maxEach) return undefined;
    this.#taken.set(holder, taken + 1);
    let isHeld = true;
    return () => {
      if (isHeld) this.#giveBack(holder);
      isHeld = false;
    };
  }

  #giveBack(holder: string): void {
    const left = this.of(holder) - 1;
    if (left > 0) this.#taken.set(holder, left);
    else this.#taken.delete(holder);
  }
}
