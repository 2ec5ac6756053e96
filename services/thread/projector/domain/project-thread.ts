import { unreachable } from '../../../../platform/kernel/decider.js';
import type { ThreadEvent, ThreadUpdated } from '../../events/thread-event.js';
import { MessageChanges } from './message-changes.js';
import type { ParticipantChange, ThreadRow, ThreadRowChanges, ThreadTexts } from './thread-rows.js';

/** One commit of a thread, decoded. */
export interface ThreadCommit {
  readonly threadId: string;
  readonly version: number;
  /** When it was decided, by the clock of the installation, epoch milliseconds. What clients say is in the events. */
  readonly time: number;
  readonly events: readonly ThreadEvent[];
}

/** A position is the version times this, plus a number within the commit. */
export const POSITIONS_IN_COMMIT = 2 ** 20;

/**
 * What successive commits of one thread change in the read model. A commit without events raises the version only.
 * @throws Error when the commits are no history of a thread
 */
export function projectThread(commits: readonly [ThreadCommit, ...ThreadCommit[]]): ThreadRowChanges {
  const changes = new Accumulator(commits[0].threadId);
  for (const { version, time, events } of commits) {
    changes.begin(version, time);
    for (const event of events) changes.add(event);
  }
  return changes.finish();
}

class Accumulator {
  #version = 0;
  #time = 0;
  #nextPosition = 0;
  #isBegun = false;
  #created: ThreadRow | undefined;
  #texts: ThreadTexts | undefined;
  #updatedAt: number | undefined;
  #lastActivityAt: number | undefined;
  #removedAt: number | undefined;
  readonly #administrators = new Map<string, number | null>();
  readonly #members = new Map<string, number | null>();
  readonly #messages = new MessageChanges();

  constructor(private readonly threadId: string) {}

  begin(version: number, time: number): void {
    this.#version = version;
    this.#time = time;
    this.#nextPosition = version * POSITIONS_IN_COMMIT;
  }

  add(event: ThreadEvent): void {
    const isCreation = event.type === 'ThreadCreated';
    if (isCreation !== (this.#version === 1 && !this.#isBegun)) {
      throw new Error(`${event.type} at version ${this.#version} of ${this.threadId}: only its first event creates`);
    }
    this.#isBegun = true;
    if (event.type !== 'MessagesRead') this.#updatedAt = event.occurredAt;
    switch (event.type) {
      case 'ThreadCreated':
        if (event.threadId !== this.threadId) throw new Error(`${this.threadId} was created as ${event.threadId}`);
        this.#created = {
          id: event.threadId,
          creatorId: event.creatorId,
          parentThreadId: event.parentThreadId ?? null,
          title: event.title,
          remarks: event.remarks ?? null,
          createdAt: event.occurredAt,
          committedAt: this.#time,
        };
        this.#join(this.#administrators, event.administratorIds);
        this.#join(this.#members, event.memberIds);
        return;
      case 'ThreadDestroyed':
        this.#removedAt = event.occurredAt;
        return;
      case 'AdministratorIdsJoined':
        return this.#join(this.#administrators, event.administratorIds);
      case 'AdministratorIdsLeft':
        return this.#leave(this.#administrators, event.administratorIds);
      case 'MemberIdsJoined':
        return this.#join(this.#members, event.memberIds);
      case 'MemberIdsLeft':
        return this.#leave(this.#members, event.memberIds);
      case 'MessagesAdded':
        this.#lastActivityAt = this.#time;
        for (const message of event.messages) this.#messages.post(message, event, this.#takePosition());
        return;
      case 'MessagesRemoved':
        for (const id of event.messageIds) this.#messages.remove(id);
        return;
      case 'MessageEdited':
        return this.#messages.edit({ id: event.messageId, text: event.text, updatedAt: event.occurredAt });
      case 'ThreadUpdated':
        return this.#setTexts(event);
      case 'ReactionAdded':
        return this.#messages.react(event, this.#takePosition());
      case 'ReactionRemoved':
        return this.#messages.react(event, null);
      case 'MessagesRead':
        return this.#messages.markRead(event);
      default:
        return unreachable(event);
    }
  }

  finish(): ThreadRowChanges {
    const isRemoved = this.#removedAt !== undefined;
    return {
      threadId: this.threadId,
      version: this.#version,
      created: this.#created,
      texts: this.#texts,
      updatedAt: this.#updatedAt,
      lastActivityAt: this.#lastActivityAt,
      removedAt: this.#removedAt,
      participants: isRemoved ? [] : this.#participants(),
      ...(isRemoved ? new MessageChanges() : this.#messages).finish(),
    };
  }

  #setTexts({ title, remarks, clearsRemarks }: ThreadUpdated): void {
    const texts = {
      ...(title !== undefined && { title }),
      ...(clearsRemarks && { remarks: null }),
      ...(remarks !== undefined && { remarks }),
    };
    if (this.#created === undefined) this.#texts = { ...this.#texts, ...texts };
    else this.#created = { ...this.#created, ...texts };
  }

  #participants(): ParticipantChange[] {
    const accountIds = new Set([...this.#administrators.keys(), ...this.#members.keys()]);
    return [...accountIds].map((accountId) => ({
      accountId,
      administratorPosition: this.#administrators.get(accountId),
      memberPosition: this.#members.get(accountId),
    }));
  }

  #join(positions: Map<string, number | null>, accountIds: readonly string[]): void {
    for (const accountId of accountIds) positions.set(accountId, this.#takePosition());
  }

  #leave(positions: Map<string, number | null>, accountIds: readonly string[]): void {
    for (const accountId of accountIds) positions.set(accountId, null);
  }

  #takePosition(): number {
    const position = this.#nextPosition;
    this.#nextPosition += 1;
    if (this.#nextPosition > (this.#version + 1) * POSITIONS_IN_COMMIT) {
      throw new Error(`version ${this.#version} of ${this.threadId} has more than ${POSITIONS_IN_COMMIT} entries`);
    }
    return position;
  }
}
