import type { Assignment } from './assignment.js';
import { countMoves } from './assignment.js';
import type { Membership } from './membership.js';
import { partitionOf } from './partition.js';

/** A member's time with a partition, without a gap. One that loses it and gets it back has a new one. */
export interface OwnershipTerm {
  readonly partition: number;
  /** True once another member may have the partition. */
  readonly hasEnded: boolean;
}

/** What a change of ownership was about. */
export interface OwnershipChange {
  /** Partitions that another member owned, or may have owned, until now. */
  readonly lost: ReadonlySet<number>;
  readonly gained: ReadonlySet<number>;
  /** Of those gained, and of those whose last member this one is. */
  readonly begun: readonly OwnershipTerm[];
  /** True when one of those gained belonged to a member that is gone. */
  readonly isTakeover: boolean;
  /** True when this member was heard of all the time: what it has in memory of `lost` is up to date. */
  readonly isOrderly: boolean;
}

/** Which partitions are this member's, by the members' agreement. It decides where commands go, never what is right. */
export class PartitionOwnership {
  readonly #listeners = new Set<(changed: ReadonlySet<number>, change: OwnershipChange) => void>();
  readonly #terms = new Map<number, { readonly partition: number; hasEnded: boolean }>();
  #owned: ReadonlySet<number> = new Set();
  #assignment: Assignment | undefined;
  #leaseEpoch = 0;
  #moves = 0;
  #changes = 0;

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
    return this.termOf(aggregateId) !== undefined;
  }

  /** This member's present time with the aggregate's partition; undefined when the partition is not its own. */
  termOf(aggregateId: string): OwnershipTerm | undefined {
    return this.#maySpeak ? this.#terms.get(this.partitionOf(aggregateId)) : undefined;
  }

  /** True when the partition has been this member's since the term began, and is. */
  holds(term: OwnershipTerm): boolean {
    return !term.hasEnded && this.#maySpeak;
  }

  get owned(): ReadonlySet<number> {
    return this.#owned;
  }

  /** Partitions that have another owner than before, counted since this member started. */
  get moves(): number {
    return this.#moves;
  }

  /** Assignments to other members than before, counted since this member started. */
  get changes(): number {
    return this.#changes;
  }

  /** `listener` hears of partitions with another owner, and of those whose memory may be outdated. */
  onChange(listener: (changed: ReadonlySet<number>, change: OwnershipChange) => void): void {
    this.#listeners.add(listener);
  }

  get #maySpeak(): boolean {
    return this.membership.isCurrent() || this.#isLast;
  }

  /** It has left, and so have all others: what still arrives it finishes itself. */
  get #isLast(): boolean {
    return this.membership.hasLeft && this.membership.members.length === 0;
  }

  #update(): void {
    const { assignment, self, leaseEpoch } = this.membership;
    if (assignment === undefined || assignment.primaries.length !== this.partitions) return;
    const isMember = this.membership.isCurrent();
    const before = this.#assignment;
    const owned = new Set(assignment.primaries.flatMap((owner, p) => (owner === self && isMember ? [p] : [])));
    // In between others may have served all of them.
    const hasLapsed = leaseEpoch !== this.#leaseEpoch;
    const lost = new Set([...this.#owned].filter((partition) => hasLapsed || !owned.has(partition)));
    const gained = new Set([...owned].filter((partition) => hasLapsed || !this.#owned.has(partition)));
    const moved = assignment.primaries.flatMap((owner, p) => (before && owner !== before.primaries[p] ? [p] : []));
    if (before !== undefined) this.#moves += countMoves(before, assignment);
    if (before !== undefined && before.members.join() !== assignment.members.join()) this.#changes += 1;
    const isTakeover = [...gained].some((partition) => {
      const predecessor = before?.primaries[partition];
      return predecessor !== undefined && !assignment.members.includes(predecessor);
    });
    this.#owned = owned;
    this.#assignment = assignment;
    this.#leaseEpoch = leaseEpoch;
    const all = this.#isLast ? [...assignment.primaries.keys()] : [];
    const begun = this.#beginTerms(this.#isLast ? new Set(all) : owned, hasLapsed);
    const changed = new Set([...lost, ...gained, ...moved, ...all]);
    if (changed.size === 0) return;
    for (const listener of this.#listeners)
      listener(changed, { lost, gained, begun, isTakeover, isOrderly: isMember && !hasLapsed });
  }

  #beginTerms(held: ReadonlySet<number>, hasLapsed: boolean): OwnershipTerm[] {
    for (const [partition, term] of this.#terms) {
      if (held.has(partition) && !hasLapsed) continue;
      term.hasEnded = true;
      this.#terms.delete(partition);
    }
    const begun = [...held].filter((partition) => !this.#terms.has(partition));
    return begun.map((partition) => {
      const term = { partition, hasEnded: false };
      this.#terms.set(partition, term);
      return term;
    });
  }
}
