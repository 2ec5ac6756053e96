import { assignPartitions, type Assignment } from '../ownership/assignment.js';
import type { Membership } from '../ownership/membership.js';

/** What one member believes of the others, as a test says. */
export class ToldMembership implements Membership {
  readonly members = [];
  hasLeft = false;
  assignment: Assignment | undefined;
  leaseEpoch = 1;
  /** False once it may have been taken for dead. */
  current = true;
  readonly #listeners = new Set<() => void>();
  isCurrent = (): boolean => this.current;
  join = async (): Promise<void> => undefined;
  leave = async (): Promise<void> => undefined;
  close = async (): Promise<void> => undefined;

  constructor(
    readonly self = 'me',
    private readonly partitions = 4,
  ) {}

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  giveAllTo(member: string): void {
    this.assignment = assignPartitions([member], this.partitions);
    this.#changed();
  }

  /** It is heard of again. */
  renew(): void {
    this.current = true;
    this.leaseEpoch += 1;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
