import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { toError } from '../kernel/fault.js';
import { assignPartitions, type Assignment } from '../ownership/assignment.js';
import { AssignmentTurn } from '../ownership/assignment-turn.js';
import { Backoff } from '../process/backoff.js';
import { doneWithin } from '../process/done-within.js';
import { MemberLeases } from '../ownership/member-leases.js';
import type { Member, Membership } from '../ownership/membership.js';
import type { Logger } from '../telemetry/logger.js';
import { AssignmentStore, type KeptAssignment } from './assignment-store.js';
import { MemberBeats, type Beat } from './member-beats.js';
import type { NatsLink } from './nats-link.js';

export interface JetStreamMembershipOptions {
  /** Stands before the bucket's name, such as `THREAD`. */
  readonly prefix: string;
  /** This member's id: letters, digits and dashes. */
  readonly self: string;
  /** The same for all members: InstallationSettings.agree comes first. */
  readonly partitions: number;
  readonly logger: Logger;
  /** Copies of the bucket in a cluster. @default 1 */
  readonly replicas?: number;
}

/** A member that is not heard of for so long is gone, in milliseconds. */
export const MEMBER_LEASE_MS = 2_000;
/** A member speaks at least so often. */
export const BEAT_EVERY_MS = 500;
const LEAST_BEAT_MS = 50;
/** How much earlier than others a member counts itself out. */
const LEASE_MARGIN_MS = 100;
/** So much of the time between two of its own beats a member was sure to hear others, who may have to come back too. */
const MOST_LISTENED_MS = 1.5 * BEAT_EVERY_MS;
/** The assignment is read again so often, whatever is heard. */
const READ_EVERY_MS = 2_000;
/** Whoever finds no assignment gives those who know one so long to say so. */
const LOOK_ROUND_MS = 200;

/**
 * Members that say again and again that they live, over plain messages, and one assignment in a KV bucket. Each member
 * judges by its own clock, which never jumps, and by nothing that NATS keeps; the beats name the assignment that their
 * sender knows, so that whoever knows another reads it. Only one member replaces it at a time (AssignmentTurn), by compare
 * and set, so that all see one sequence of assignments.
 */
export class JetStreamMembership implements Membership {
  readonly #leases = new MemberLeases(MEMBER_LEASE_MS);
  readonly #turn = new AssignmentTurn();
  readonly #listeners = new Set<() => void>();
  readonly #store: AssignmentStore;
  #state: 'INITIALIZED' | 'JOINED' | 'LEFT' | 'CLOSED' = 'INITIALIZED';
  #me: Member | undefined;
  #beats: MemberBeats | undefined;
  #unfollow: (() => void) | undefined;
  #assignment: KeptAssignment | undefined;
  /** NATS has it. */
  #isKept = false;
  /** Of the assignment's key in NATS; undefined until it was read. */
  #revision: number | undefined;
  #leaseEpoch = 0;
  #leaseUntil = -Infinity;
  #askedAt = 0;
  /** When the own beats were sent that have not come back yet, by their number. */
  readonly #sent = new Map<number, number>();
  #count = 0;
  #sentLast = -Infinity;
  #listenedUntil: number | undefined;
  #beatTimer: NodeJS.Timeout | undefined;
  #settleTimer: NodeJS.Timeout | undefined;
  #readAt = -Infinity;
  /** Settles when the store may be asked for the next thing. */
  #asked: Promise<unknown> = Promise.resolve();
  #nextRead: Promise<boolean> | undefined;
  #isReplacing = false;
  /** The assignment of each other member of which it is known how it compares with the one that is kept. */
  readonly #compared = new Map<string, string>();

  constructor(
    private readonly link: NatsLink,
    private readonly options: JetStreamMembershipOptions,
  ) {
    this.#store = new AssignmentStore(link, options);
  }

  get self(): string {
    return this.options.self;
  }

  get members(): readonly Member[] {
    return this.#leases.present;
  }

  get assignment(): Assignment | undefined {
    return this.#assignment;
  }

  get leaseEpoch(): number {
    return this.#leaseEpoch;
  }

  get hasLeft(): boolean {
    return this.#state === 'LEFT' || this.#state === 'CLOSED';
  }

  isCurrent(): boolean {
    return this.#state === 'JOINED' && performance.now() < this.#leaseUntil;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async join(address: string, processSlot?: string): Promise<void> {
    const startedAt = Date.now();
    this.#me = { id: this.self, address, startedAt, ...(processSlot === undefined ? {} : { processSlot }) };
    this.#state = 'JOINED';
    this.#leases.hear(this.#me);
    this.#beats = new MemberBeats(this.link, this.options.prefix, (beat) => this.#hear(beat));
    this.#unfollow = this.link.onStatus((connected) => {
      if (!connected) return;
      this.#compared.clear();
      this.#beat({ asks: true });
      void this.#read();
    });
    const assigned = new Promise<void>((resolve) => {
      const stop = this.onChange(() => {
        if (!this.hasLeft && !this.#assignment?.members.includes(this.self)) return;
        stop();
        resolve();
      });
    });
    // What is kept comes first, so that nobody of it is left out before it could be heard.
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000 });
    while (this.#state === 'JOINED' && !(await this.#read())) await delay(backoff.next());
    this.#askedAt = performance.now();
    this.#beat({ asks: true });
    await assigned;
  }

  async leave(): Promise<void> {
    if (this.#state !== 'JOINED') return;
    this.#state = 'LEFT';
    this.#leases.bury(this.self);
    this.#changed();
    // Without an answer the others find out by themselves.
    await doneWithin(MEMBER_LEASE_MS, this.#replace());
    // Again and again until the end, as one message may get lost.
    this.#beat();
  }

  async close(): Promise<void> {
    await this.leave();
    this.#state = 'CLOSED';
    clearTimeout(this.#beatTimer);
    clearTimeout(this.#settleTimer);
    this.#unfollow?.();
    if (!this.link.connection.isClosed()) this.#beats?.close();
  }

  #beat({ asks = false } = {}): void {
    const now = performance.now();
    this.#count += 1;
    this.#sentLast = now;
    this.#sent.set(this.#count, now);
    for (const oldest of this.#sent.keys()) if (this.#sent.size > 100) this.#sent.delete(oldest);
    const leaves = this.#state === 'LEFT';
    this.#beats?.send({ member: this.#me, count: this.#count, assignment: this.#assignment?.id, asks, leaves });
    this.#beatIn(BEAT_EVERY_MS);
  }

  #beatIn(ms: number): void {
    clearTimeout(this.#beatTimer);
    if (this.#state === 'CLOSED') return;
    this.#beatTimer = setTimeout(() => this.#beat(), ms);
  }

  #hear({ member, count, assignment, asks, leaves }: Beat): void {
    if (this.#state === 'CLOSED') return;
    if (member?.id === this.self) return this.#hearSelf(count);
    if (asks === true) this.#beatIn(Math.max(0, this.#sentLast + LEAST_BEAT_MS - performance.now()));
    if (member === undefined) return;
    const hasChanged =
      leaves === true ? this.#leases.bury(member.id) : this.#leases.hear(member, this.#listenedMs(performance.now()));
    if (hasChanged) this.#changed();
    const isOther = assignment !== undefined && assignment !== this.#assignment?.id;
    if (isOther && this.#compared.get(member.id) !== assignment) {
      void this.#read().then((isRead) => {
        if (isRead) this.#compared.set(member.id, assignment);
      });
    }
    if (hasChanged) this.#settle();
  }

  /** What others have said before this beat is heard, so now it can be told who was silent. */
  #hearSelf(count: number): void {
    const sentAt = this.#sent.get(count);
    if (sentAt === undefined) return;
    for (const earlier of this.#sent.keys()) if (earlier <= count) this.#sent.delete(earlier);
    const hasLapsed = !this.isCurrent();
    // A beat from before a pause: the lease that it gives would be over at once, and the memory would be dropped again.
    if (hasLapsed && performance.now() - sentAt > MEMBER_LEASE_MS / 2) return;
    this.#leaseUntil = sentAt + MEMBER_LEASE_MS - LEASE_MARGIN_MS;
    const listenedMs = this.#listenedMs(sentAt);
    this.#listenedUntil = sentAt;
    if (hasLapsed && this.#state === 'JOINED') {
      this.#leases.pardon();
      this.#leaseEpoch += 1;
      this.#changed();
    } else {
      if (this.#me !== undefined) this.#leases.hear(this.#me, listenedMs);
      if (this.#leases.listened(listenedMs)) this.#changed();
    }
    // Somebody is silent: to judge it in time needs a beat just then.
    const patienceMs = Math.max(LEAST_BEAT_MS, this.#leases.patienceMs);
    if (patienceMs < BEAT_EVERY_MS) this.#beatIn(Math.max(0, sentAt + patienceMs - performance.now()));
    if (performance.now() - this.#readAt > READ_EVERY_MS) void this.#read();
    this.#settle();
  }

  /** So long this member has been sure to hear the others, since its last beat that came back. */
  #listenedMs(until: number): number {
    return Math.max(0, Math.min(until - (this.#listenedUntil ?? until), MOST_LISTENED_MS));
  }

  /** Reads what is kept; one at a time, and always what was kept after this was called. @returns false when nobody answers */
  #read(): Promise<boolean> {
    return (this.#nextRead ??= this.#inTurn(() => {
      this.#nextRead = undefined;
      return this.#readOnce();
    }));
  }

  /** What was read is not overtaken by what is written, nor the other way. */
  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.#asked.then(ask);
    this.#asked = asked;
    return asked;
  }

  async #readOnce(): Promise<boolean> {
    if (this.#state === 'CLOSED') return false;
    try {
      let kept = await this.#store.read();
      if (kept === undefined) {
        await this.#store.open();
        kept = await this.#store.read();
      }
      this.#readAt = performance.now();
      this.#revision = kept?.revision ?? 0;
      this.#isKept = kept?.assignment !== undefined;
      if (kept?.assignment !== undefined) this.#take(kept.assignment);
      this.#settle();
      return true;
    } catch (thrown) {
      this.options.logger.debug({ reason: toError(thrown).message }, 'the assignment cannot be read');
      return false;
    }
  }

  #take(assignment: KeptAssignment): void {
    if (assignment.id === this.#assignment?.id) return;
    this.#assignment = assignment;
    this.#turn.saw(assignment, performance.now());
    for (const member of assignment.known) this.#leases.expect(member);
    this.#changed();
  }

  /** Sees to it that the assignment is for those present, when it is this member's turn. */
  #settle(): void {
    clearTimeout(this.#settleTimer);
    if (!this.isCurrent() || this.#isReplacing || this.#revision === undefined) return;
    const now = performance.now();
    const isFitting = this.#isKept && this.#assignment?.partitions === this.options.partitions;
    const present = this.#leases.present.map(({ id }) => id);
    const waitMs = this.#turn.waitMs({ self: this.self, present, kept: isFitting ? this.#assignment : undefined, now });
    if (waitMs === undefined) return;
    const lookMs = this.#assignment === undefined ? this.#askedAt + LOOK_ROUND_MS - now : 0;
    const ms = Math.max(waitMs, lookMs);
    if (ms > 0) this.#settleTimer = setTimeout(() => this.#settle(), ms);
    else void this.#replace();
  }

  async #replace(): Promise<void> {
    this.#isReplacing = true;
    await this.#inTurn(() => this.#replaceOnce());
    this.#isReplacing = false;
    this.#settle();
  }

  async #replaceOnce(): Promise<void> {
    const { partitions, logger } = this.options;
    const known = this.#leases.present;
    const ids = known.map(({ id }) => id);
    const previous = this.#assignment?.partitions === partitions ? this.#assignment : undefined;
    // The last one that leaves leaves nobody behind.
    const isEmpty = ids.length === 0;
    const next = isEmpty
      ? undefined
      : { ...assignPartitions(ids, partitions, previous), id: ulid(), partitions, known };
    try {
      this.#revision = await this.#store.replace(this.#revision ?? 0, next);
      this.#isKept = next !== undefined;
      if (next !== undefined) this.#take(next);
      this.#beat();
    } catch (error) {
      // Somebody was faster; or NATS is away, and this begins again with what is heard then.
      logger.debug({ reason: toError(error).message }, 'the assignment was not replaced');
      void this.#read();
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
