import { setTimeout as delay } from 'node:timers/promises';
import { StorageType } from '@nats-io/jetstream';
import type { KV, KvWatchEntry } from '@nats-io/kv';
import { toError } from '../../kernel/fault.js';
import { assignPartitions, type Assignment } from '../../runtime/assignment.js';
import { Backoff } from '../../runtime/backoff.js';
import type { Member, Membership } from '../../runtime/membership.js';
import type { Logger } from '../telemetry/logger.js';
import type { NatsLink } from './nats-link.js';
import { openBucket } from './stream-access.js';

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

/** A member that is not heard of for so long is gone, in milliseconds. NATS counts in whole seconds. */
export const MEMBER_TTL_MS = 2_000;
const REFRESH_EVERY_MS = 600;
/** How much earlier than the server a member counts itself out. */
const LEASE_MARGIN_MS = 100;
const ASSIGNMENT_KEY = 'assignment';
const MEMBER_PREFIX = 'member.';

/** What the bucket keeps of an assignment. */
type StoredAssignment = Assignment & { readonly partitions: number };

/**
 * Members as keys with a time to live in a KV bucket, and the assignment as one more key: whoever sees that the members
 * are others than the assignment's replaces it, by compare and set, so that all see one sequence of assignments.
 */
export class JetStreamMembership implements Membership {
  readonly #members = new Map<string, Member>();
  readonly #listeners = new Set<() => void>();
  readonly #aborter = new AbortController();
  #state: 'INITIALIZED' | 'JOINED' | 'LEFT' | 'CLOSED' = 'INITIALIZED';
  #assignment: StoredAssignment | undefined;
  #revision = 0;
  #term = 0;
  #leaseUntil = 0;
  #beat: NodeJS.Timeout | undefined;
  #me: Member | undefined;
  #kv: KV | undefined;
  /** Those who were there before the connection was lost get until then to announce themselves again. */
  #graceUntil = 0;
  #isSynced = false;
  #stopWatching: (() => void) | undefined;
  #unfollow: (() => void) | undefined;

  constructor(
    private readonly link: NatsLink,
    private readonly options: JetStreamMembershipOptions,
  ) {}

  get self(): string {
    return this.options.self;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  get assignment(): Assignment | undefined {
    return this.#assignment;
  }

  get term(): number {
    return this.#term;
  }

  get hasLeft(): boolean {
    return this.#state === 'LEFT' || this.#state === 'CLOSED';
  }

  isCurrent(): boolean {
    return this.#state === 'JOINED' && Date.now() < this.#leaseUntil;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async join(address: string, seat?: string): Promise<void> {
    await this.#openBucket();
    this.#me = { id: this.self, address, startedAt: Date.now(), seat };
    this.#state = 'JOINED';
    await this.#refresh();
    this.#beat = setInterval(() => void this.#tryRefresh(), REFRESH_EVERY_MS);
    this.#unfollow = this.link.onStatus((connected) => {
      this.#stopWatching?.();
      if (connected) void this.#tryRefresh();
    });
    const assigned = new Promise<void>((resolve) => {
      const stop = this.onChange(() => {
        if (!this.#assignment?.members.includes(this.self)) return;
        stop();
        resolve();
      });
    });
    void this.#watch();
    await assigned;
  }

  async leave(): Promise<void> {
    if (this.#state !== 'JOINED') return;
    this.#state = 'LEFT';
    clearInterval(this.#beat);
    this.#members.delete(this.self);
    this.#changed();
    // Without an answer the key runs out by itself.
    const late = new AbortController();
    const goodbye = Promise.all([this.link.ask(async () => this.#kv?.delete(this.#key)), this.#settleAssignment()]);
    const limit = delay(MEMBER_TTL_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([goodbye.catch(() => undefined), limit]);
    late.abort();
  }

  async close(): Promise<void> {
    await this.leave();
    this.#state = 'CLOSED';
    this.#aborter.abort();
    this.#unfollow?.();
    this.#stopWatching?.();
  }

  get #key(): string {
    return `${MEMBER_PREFIX}${this.self}`;
  }

  async #openBucket(): Promise<KV> {
    const name = `${this.options.prefix}_MEMBERS`;
    const replicas = this.options.replicas ?? 1;
    const options = { markerTTL: 1_000, storage: StorageType.File, history: 1, replicas };
    this.#kv = await openBucket(this.link, name, options);
    return this.#kv;
  }

  async #tryRefresh(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      // The next one comes soon; after too many failures the lease runs out.
      this.options.logger.debug({ reason: toError(error).message }, 'the membership was not refreshed');
    }
  }

  async #refresh(): Promise<void> {
    const sentAt = Date.now();
    const subject = `$KV.${this.options.prefix}_MEMBERS.${this.#key}`;
    // kv.put takes no time to live.
    const ttl = `${MEMBER_TTL_MS / 1_000}s`;
    await this.link.ask(() => this.link.jetstream.publish(subject, JSON.stringify(this.#me), { ttl }));
    if (this.#state !== 'JOINED') return;
    const hasLapsed = Date.now() > this.#leaseUntil;
    this.#leaseUntil = sentAt + MEMBER_TTL_MS - LEASE_MARGIN_MS;
    if (!hasLapsed) return;
    this.#term += 1;
    this.#changed();
  }

  /** Follows the bucket, from the start again after each loss of the connection. */
  async #watch(): Promise<void> {
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000 });
    for (let round = 0; !this.#aborter.signal.aborted; round += 1) {
      try {
        if (round > 0) await this.#openBucket();
        await this.#watchOnce(round);
        backoff.reset();
      } catch (error) {
        this.options.logger.debug({ reason: toError(error).message }, 'the members cannot be watched');
      }
      await delay(backoff.next(), undefined, { signal: this.#aborter.signal }).catch(() => undefined);
    }
  }

  async #watchOnce(round: number): Promise<void> {
    const kv = this.#kv;
    if (kv === undefined) return;
    const known = new Set(this.#members.keys());
    const entries = await this.link.ask(() => kv.watch());
    this.#stopWatching = () => entries.stop();
    this.#isSynced = false;
    this.#revision = 0;
    if (round > 0) this.#beginGrace();
    for await (const entry of entries) {
      this.#take(entry);
      if (entry.operation === 'PUT') known.delete(entry.key.slice(MEMBER_PREFIX.length));
      if (!this.#isSynced && entry.delta === 0) {
        this.#isSynced = true;
        // Who is not in the bucket any more has gone meanwhile, or has the time of grace.
        for (const id of known) if (id !== this.self) this.#members.delete(id);
        if (round === 0) this.#removePredecessor();
        this.#changed();
        await this.#settleAssignment();
      }
    }
  }

  /** Who had this member's seat is dead, though its key may still have some time. */
  #removePredecessor(): void {
    const seat = this.#me?.seat;
    if (seat === undefined) return;
    for (const [id, member] of this.#members) {
      if (id === this.self || member.seat !== seat) continue;
      this.#members.delete(id);
      this.options.logger.info({ member: id, address: member.address }, 'takes the place of a member that is gone');
      // If that fails, its time runs out.
      this.link.ask(async () => this.#kv?.delete(`${MEMBER_PREFIX}${id}`)).catch(() => undefined);
    }
  }

  #beginGrace(): void {
    this.#graceUntil = Date.now() + MEMBER_TTL_MS;
    setTimeout(() => void this.#settleAssignment(), MEMBER_TTL_MS + 10).unref();
  }

  #take(entry: KvWatchEntry): void {
    if (entry.key === ASSIGNMENT_KEY) {
      if (entry.operation !== 'PUT') return;
      this.#revision = entry.revision;
      this.#assignment = entry.json<StoredAssignment>();
      this.#changed();
      if (this.#isSynced) void this.#settleAssignment();
      return;
    }
    const id = entry.key.slice(MEMBER_PREFIX.length);
    const isKnown = this.#members.has(id);
    if (entry.operation === 'PUT') {
      if (id === this.self && this.#state !== 'JOINED') return;
      this.#members.set(id, entry.json<Member>());
      if (isKnown) return;
    } else {
      // Of itself it knows better.
      if (!isKnown || (id === this.self && this.#state === 'JOINED')) return;
      this.#members.delete(id);
    }
    this.#changed();
    if (this.#isSynced) void this.#settleAssignment();
  }

  /** Replaces the assignment when it is not for the present members. Whoever is first is right. */
  async #settleAssignment(): Promise<void> {
    const kv = this.#kv;
    const { partitions } = this.options;
    const stored = this.#assignment?.partitions === partitions ? this.#assignment : undefined;
    const present = new Set(this.#members.keys());
    if (Date.now() < this.#graceUntil) {
      for (const member of stored?.members ?? []) if (member !== this.self) present.add(member);
    }
    if (kv === undefined || present.size === 0) return;
    if (stored?.members.length === present.size && stored.members.every((member) => present.has(member))) return;
    const next: StoredAssignment = { ...assignPartitions([...present], partitions, stored), partitions };
    try {
      await this.link.ask(() => kv.put(ASSIGNMENT_KEY, JSON.stringify(next), { previousSeq: this.#revision }));
    } catch (error) {
      // Somebody was faster, and the watch tells; or NATS is away, and the next watch begins here again.
      this.options.logger.debug({ reason: toError(error).message }, 'the assignment was not replaced');
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
