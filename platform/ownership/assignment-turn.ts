export interface AssignmentTurnOptions {
  /** Each member after the first waits so much longer than the one before, in milliseconds. @default 250 */
  readonly stepMs?: number;
  /** No member waits longer than this for those before it. @default 1000 */
  readonly longestMs?: number;
}

/** What is to be assigned, and what is. All in milliseconds of one clock that never jumps. */
export interface Situation {
  readonly self: string;
  /** Ids of those alive, ascending. */
  readonly present: readonly string[];
  /** The assignment that is kept; undefined when none is. */
  readonly kept: { readonly id: string; readonly members: readonly string[] } | undefined;
  readonly now: number;
}

/** Of so long ago changes are remembered. */
const REMEMBER_MS = 30_000;
/** So often may a group have come back to members of before, until it is taken for a quarrel. */
const FREE_RETURNS = 4;
const FIRST_PENALTY_MS = 500;
const LONGEST_PENALTY_MS = 16_000;

/**
 * Whose turn it is to replace the assignment, so that members who see others do not replace each other's for ever. The
 * one with the lowest id begins, at once; the others wait, for the same members and the same assignment, whether somebody
 * before them does it. When the same members come back again and again, which no death or start of a process does, all
 * wait longer and longer.
 */
export class AssignmentTurn {
  /** Assignments that were seen, the oldest first. */
  #seen: { readonly id: string; readonly members: string; readonly at: number }[] = [];
  #wish = '';
  #wishedSince = 0;

  constructor(private readonly options: AssignmentTurnOptions = {}) {}

  /** This one is kept now, whoever has written it. */
  saw({ id, members }: { readonly id: string; readonly members: readonly string[] }, now: number): void {
    if (this.#seen.at(-1)?.id === id) return;
    this.#seen = this.#seen.filter(({ at }) => now - at < REMEMBER_MS);
    this.#seen.push({ id, members: members.join(' '), at: now });
  }

  /** @returns how long to wait before replacing it, in milliseconds; undefined when it is right as it is */
  waitMs({ self, present, kept, now }: Situation): number | undefined {
    const rank = present.indexOf(self);
    const wish = `${kept?.id ?? ''} ${present.join(' ')}`;
    if (rank < 0 || (kept !== undefined && kept.members.join(' ') === present.join(' '))) {
      this.#wish = '';
      return undefined;
    }
    if (this.#wish !== wish) {
      this.#wish = wish;
      this.#wishedSince = now;
    }
    const { stepMs = 250, longestMs = 1_000 } = this.options;
    const turn = this.#wishedSince + Math.min(rank * stepMs, longestMs);
    return Math.max(0, Math.max(turn, this.#calmAt(now)) - now);
  }

  /** From when on the assignment may be replaced again. */
  #calmAt(now: number): number {
    const recent = this.#seen.filter(({ at }) => now - at < REMEMBER_MS);
    const returns = recent.length - new Set(recent.map(({ members }) => members)).size;
    if (returns < FREE_RETURNS) return now;
    const penaltyMs = Math.min(FIRST_PENALTY_MS * 2 ** (returns - FREE_RETURNS), LONGEST_PENALTY_MS);
    return (recent.at(-1)?.at ?? now) + penaltyMs;
  }
}
