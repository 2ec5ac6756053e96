import type { Assignment } from './assignment.js';

/** Who takes part in the ownership of partitions. */
export interface Member {
  /** Of one run of a process; a restart makes a new one. */
  readonly id: string;
  /** Where people reach it, such as `10.0.0.7:50051`; only shown. */
  readonly address: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** A place that only one living process can have; whoever had it before is dead. @default unknown */
  readonly processSlot?: string | undefined;
}

/**
 * Which instances there are, and what they have agreed on. It spares conflicts; it is no fence: only the journal is.
 */
export interface Membership {
  readonly self: string;
  readonly members: readonly Member[];
  /** The latest that this member has heard of; the same sequence of assignments reaches all. */
  readonly assignment: Assignment | undefined;
  /** True while nobody can have taken this member for dead. Read from the clock, so a paused process knows at once. */
  isCurrent(): boolean;
  /** True from `leave` on. */
  readonly hasLeft: boolean;
  /** Raised whenever `isCurrent` has become true again: meanwhile others may have served its partitions. */
  readonly leaseEpoch: number;
  /** Calls `listener` after each change of any of the above but `isCurrent`, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /**
   * Announces this member, and goes on announcing it until `leave`. A former member with the same slot is removed. All
   * members must count the partitions alike.
   */
  join(address: string, processSlot?: string): Promise<void>;
  /** Tells the others at once, so that they take over; does not throw. */
  leave(): Promise<void>;
  close(): Promise<void>;
}
