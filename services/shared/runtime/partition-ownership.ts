import type { Assignment } from './assignment.js';
import { countMoves } from './assignment.js';
import type { Membership } from './membership.js';
import { partitionOf } from './partition.js';

/** What a change of ownership was about. */
export interface OwnershipChange {
  /** Partitions that another member owned, or may have owned, until now. */
  readonly lost: ReadonlySet<number>;
  readonly gained: ReadonlySet<number>;
  /** True when one of those gained belonged to a member that is gone. */
  readonly isTakeover: boolean;
  /** True when this member was heard of all the time: what it has in memory of `lost` is up to date. */
  readonly isOrderly: boolean;
}

/** Which partitions are this member's, by the members' agreement. It decides where commands go, never what is right. */
export class PartitionOwnership {
  readonly #listeners = new Set<(changed: ReadonlySet<number>, change: OwnershipChange) => void>();
  #owned: ReadonlySet<number> = new Set();
  #assignment: Assignment | undefined;
  #term = 0;
  #moves = 0;

  constructor(
    readonly membership: Membership,
    readonly partitions: number,
  ) {
    membership.onChange(() => this.#update());
  }

  partitionOf(aggregateId: string): number {
    return partitionOf(aggregateId, this.partitions);
  }

  /** True when this member may answer for the aggregate from memory. */
  owns(aggregateId: string): boolean {
    if (this.#isLast) return true;
    return this.membership.isCurrent() && this.#owned.has(this.partitionOf(aggregateId));
  }

  /** It has left, and so have all others: what still arrives it finishes itself. */
  get #isLast(): boolean {
    return this.membership.hasLeft && this.membership.members.length === 0;
  }

  get owned(): ReadonlySet<number> {
    return this.#owned;
  }

  /** Partitions that have another owner than before, counted since this member started. */
  get moves(): number {
    return this.#moves;
  }

  /** `listener` hears of partitions with another owner, and of those whose memory may be outdated. */
  onChange(listener: (changed: ReadonlySet<number>, change: OwnershipChange) => void): void {
    this.#listeners.add(listener);
  }

  #update(): void {
    const { assignment, self, term } = this.membership;
    if (assignment === undefined || assignment.primaries.length !== this.partitions) return;
    const isMember = this.membership.isCurrent();
    const before = this.#assignment;
    const owned = new Set(assignment.primaries.flatMap((owner, p) => (owner === self && isMember ? [p] : [])));
    // In between others may have served all of them.
    const hasLapsed = term !== this.#term;
    const lost = new Set([...this.#owned].filter((partition) => hasLapsed || !owned.has(partition)));
    const gained = new Set([...owned].filter((partition) => hasLapsed || !this.#owned.has(partition)));
    const moved = assignment.primaries.flatMap((owner, p) => (before && owner !== before.primaries[p] ? [p] : []));
    if (before !== undefined) this.#moves += countMoves(before, assignment);
    const isTakeover = [...gained].some((partition) => {
      const predecessor = before?.primaries[partition];
      return predecessor !== undefined && !assignment.members.includes(predecessor);
    });
    this.#owned = owned;
    this.#assignment = assignment;
    this.#term = term;
    const all = this.#isLast ? assignment.primaries.keys() : [];
    const changed = new Set([...lost, ...gained, ...moved, ...all]);
    if (changed.size === 0) return;
    for (const listener of this.#listeners)
      listener(changed, { lost, gained, isTakeover, isOrderly: isMember && !hasLapsed });
  }
}
