import type { Member } from './membership.js';

/** Others than these are not listened to: a group is some processes, not thousands. */
const MAX_MEMBERS = 1_000;
/** So many who are gone for good are remembered, so that what they had on its way does not bring them back. */
const MAX_GONE = 1_000;
/** The dead are remembered for so many leases. */
const REMEMBER_LEASES = 30;

/**
 * Who of a group is alive, as one process has heard it itself. Nothing that somebody keeps counts, only that a member
 * speaks: one that has been silent for a lease's time is dead until it speaks again, and so is one that was only told of.
 * Silence is counted while this process is sure to have heard whoever spoke, so its own pauses and time without a
 * connection make nobody dead. Its only clock is the time that it was told to have listened.
 */
export class MemberLeases {
  /** With the time that was listened until each was heard. */
  readonly #heard = new Map<string, { readonly member: Member; heardAt: number }>();
  readonly #gone = new Set<string>();
  #listenedMs = 0;

  /** @param leaseMs a member that is silent for so long is dead */
  constructor(private readonly leaseMs: number) {}

  /** Those alive, by id. */
  get present(): Member[] {
    return [...this.#present()].map(({ member }) => member).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** How long somebody alive may go on being silent until the first of them is dead; Infinity without anybody. */
  get patienceMs(): number {
    return (
      this.#present().reduce((least, { heardAt }) => Math.min(least, heardAt + this.leaseMs), Infinity) -
      this.#listenedMs
    );
  }

  /**
   * A member has spoken. Whoever had its slot before is gone.
   * @param sinceMs so much of the time that `listened` will next be told of was over by then
   * @returns true when those present have changed
   */
  hear(member: Member, sinceMs = 0): boolean {
    if (this.#gone.has(member.id)) return false;
    const known = this.#heard.get(member.id);
    if (known === undefined && this.#heard.size >= MAX_MEMBERS) return false;
    const wasPresent = known !== undefined && this.#isAlive(known);
    if (!wasPresent)
      for (const { id, processSlot } of this.present)
        if (processSlot !== undefined && processSlot === member.processSlot) this.bury(id);
    this.#heard.set(member.id, { member, heardAt: this.#listenedMs + sinceMs });
    return !wasPresent;
  }

  /** Somebody says that there is, or was, this member: it gets a lease's time to be heard. @returns as `hear` */
  expect(member: Member): boolean {
    if (this.#heard.has(member.id)) return false;
    const isReplaced =
      member.processSlot !== undefined && this.present.some(({ processSlot }) => processSlot === member.processSlot);
    return isReplaced ? this.bury(member.id) : this.hear(member);
  }

  /** A member is gone for good: it has left, or another has its slot. @returns as `hear` */
  bury(id: string): boolean {
    const known = this.#heard.get(id);
    this.#heard.delete(id);
    this.#gone.add(id);
    for (const oldest of this.#gone) if (this.#gone.size > MAX_GONE) this.#gone.delete(oldest);
    return known !== undefined && this.#isAlive(known);
  }

  /** This process has listened for so long, in milliseconds, and heard whoever spoke. @returns as `hear` */
  listened(ms: number): boolean {
    const before = this.#present().length;
    this.#listenedMs += ms;
    for (const [id, { heardAt }] of this.#heard) {
      // Until then nobody can say that it is there but itself.
      if (this.#listenedMs - heardAt >= REMEMBER_LEASES * this.leaseMs) this.#heard.delete(id);
    }
    return this.#present().length !== before;
  }

  /** This process was deaf: whoever was alive before has a whole lease to be heard. */
  pardon(): void {
    for (const entry of this.#present()) entry.heardAt = this.#listenedMs;
  }

  #present(): { readonly member: Member; heardAt: number }[] {
    return [...this.#heard.values()].filter((entry) => this.#isAlive(entry));
  }

  #isAlive({ heardAt }: { readonly heardAt: number }): boolean {
    return this.#listenedMs - heardAt < this.leaseMs;
  }
}
