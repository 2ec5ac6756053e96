import type { ThreadEvent } from '../../events/thread-event.js';

/** What the read model knows of an account's part in a thread. */
export interface ParticipationView {
  /** The thread's version that this is true of. */
  readonly version: number;
  readonly isAdministrator: boolean;
  readonly isMember: boolean;
  readonly isDestroyed: boolean;
}

/** Finds an account's part in a thread. */
export interface ParticipationReader {
  /** Undefined when the read model does not have the thread (yet). @throws Fault kind `unavailable` */
  findParticipation(accountId: string, threadId: string): Promise<ParticipationView | undefined>;
}

/** Follows one account's part in a thread through the thread's events. */
export class Participation {
  #view: ParticipationView;

  /** @param view where to begin; without one, before the thread's first event */
  constructor(
    private readonly accountId: string,
    view: ParticipationView = { version: 0, isAdministrator: false, isMember: false, isDestroyed: false },
  ) {
    this.#view = view;
  }

  get version(): number {
    return this.#view.version;
  }

  get isDestroyed(): boolean {
    return this.#view.isDestroyed;
  }

  /** Only an administrator or a member sees a thread, and nobody a destroyed one. */
  get seesThread(): boolean {
    const { isAdministrator, isMember, isDestroyed } = this.#view;
    return (isAdministrator || isMember) && !isDestroyed;
  }

  /** Takes in a commit's events; those of a version that is known already change nothing. */
  follow(version: number, events: readonly ThreadEvent[]): void {
    if (version <= this.#view.version) return;
    for (const event of events) this.#view = { ...this.#view, ...this.#changeBy(event) };
    this.#view = { ...this.#view, version };
  }

  #changeBy(event: ThreadEvent): Partial<ParticipationView> {
    switch (event.type) {
      case 'ThreadCreated':
        return {
          isAdministrator: event.administratorIds.includes(this.accountId),
          isMember: event.memberIds.includes(this.accountId),
        };
      case 'ThreadDestroyed':
        return { isDestroyed: true };
      case 'AdministratorIdsJoined':
        return event.administratorIds.includes(this.accountId) ? { isAdministrator: true } : {};
      case 'AdministratorIdsLeft':
        return event.administratorIds.includes(this.accountId) ? { isAdministrator: false } : {};
      case 'MemberIdsJoined':
        return event.memberIds.includes(this.accountId) ? { isMember: true } : {};
      case 'MemberIdsLeft':
        return event.memberIds.includes(this.accountId) ? { isMember: false } : {};
      default:
        // All others leave it as it is who takes part.
        return {};
    }
  }
}
