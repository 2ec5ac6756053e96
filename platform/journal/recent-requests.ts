/** What is remembered of a request that an aggregate has taken. */
export interface TakenRequest {
  /** The version that its commit made. */
  readonly version: number;
  readonly fingerprint: string;
}

/** A taken request with its command's id. */
export interface RememberedRequest extends TakenRequest {
  readonly commandId: string;
}

/** The last requests that an aggregate has taken, so that a repeat is known. Rebuilt from the commits. */
export class RecentRequests {
  readonly #taken = new Map<string, TakenRequest>();
  /** Command ids in a ring. A map's first key is found by passing over all those that were deleted before it. */
  readonly #order: string[] = [];
  #next = 0;

  /** `capacity`: so many requests are remembered, the oldest are forgotten first. @default 1000 */
  constructor(private readonly capacity = 1_000) {}

  get size(): number {
    return this.#taken.size;
  }

  /** Those taken up to a version, the oldest first. */
  upTo(version: number): RememberedRequest[] {
    return [...this.#taken].flatMap(([commandId, taken]) =>
      taken.version <= version ? [{ commandId, ...taken }] : [],
    );
  }

  get(commandId: string): TakenRequest | undefined {
    return this.#taken.get(commandId);
  }

  /** In order of versions. */
  add(commandId: string, { version, fingerprint }: TakenRequest): void {
    const isKnown = this.#taken.has(commandId);
    this.#taken.set(commandId, { version, fingerprint });
    if (isKnown) return;
    const oldest = this.#order[this.#next];
    if (oldest !== undefined) this.#taken.delete(oldest);
    this.#order[this.#next] = commandId;
    this.#next = (this.#next + 1) % this.capacity;
  }
}
