import type { Assignment } from './assignment.js';
import { countMoves } from './assignment.js';
import type { Membership } from './membership.js';
import { partitionOf } from './partition.js';

/** A member's time with a partition, without a gap. One that loses it and gets it back has a new one. */
export interface Tenure {
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
  readonly begun: readonly Tenure[];
  /** True when one of those gained belonged to a member that is gone. */
  readonly isTakeover: boolean;
  /** True when this member was heard of all the time: what it has in memory of `lost` is up to date. */
  readonly isOrderly: boolean;
}

/** Which partitions are this member's, by the members' agreement. It decides where commands go, never what is right. */
export class PartitionOwnership {
  readonly #listeners = new Set<(changed: ReadonlySet<number>, change: OwnershipChange) => void>();
  readonly #tenures = new Map<number, { readonly partition: number; hasEnded: boolean }>();
  #owned: ReadonlySet<number> = new Set();
  #assignment: Assignment | undefined;
  #term = 0;
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
    return this.tenureOf(aggregateId) !== undefined;
  }

  /** This member's present time with the aggregate's partition; undefined when the partition is not its own. */
  tenureOf(aggregateId: string): Tenure | undefined {
    return this.#maySpeak ? this.#tenures.get(this.partitionOf(aggregateId)) : undefined;
  }

  /** True when the partition has been this member's since the tenure began, and is. */
  holds(tenure: Tenure): boolean {
    return !tenure.hasEnded && this.#maySpeak;
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
    if (before !== undefined && before.members.join() !== assignment.members.join()) this.#changes += 1;
    const isTakeover = [...gained].some((partition) => {
      const predecessor = before?.primaries[partition];
      return predecessor !== undefined && !assignment.members.includes(predecessor);
    });
    this.#owned = owned;
    this.#assignment = assignment;
    this.#term = term;
    const all = this.#isLast ? [...assignment.primaries.keys()] : [];
    const begun = this.#beginTenures(this.#isLast ? new Set(all) : owned, hasLapsed);
    const changed = new Set([...lost, ...gained, ...moved, ...all]);
    if (changed.size === 0) return;
    for (const listener of this.#listeners)
      listener(changed, { lost, gained, begun, isTakeover, isOrderly: isMember && !hasLapsed });
  }

  #beginTenures(held: ReadonlySet<number>, hasLapsed: boolean): Tenure[] {
    for (const [partition, tenure] of this.#tenures) {
      if (held.has(partition) && !hasLapsed) continue;
      tenure.hasEnded = true;
      this.#tenures.delete(partition);
    }
    const begun = [...held].filter((partition) => !this.#tenures.has(partition));
    return begun.map((partition) => {
      const tenure = { partition, hasEnded: false };
      this.#tenures.set(partition, tenure);
      return tenure;
    });
  }
}
