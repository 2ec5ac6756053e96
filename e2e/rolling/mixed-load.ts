import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation, Outcome } from '../chaos/history.js';
import type { SeededRandom } from '../chaos/random.js';
import { planCall, type Api, type CallKind, type PlannedCall } from './calls.js';
import type { Answer, Edge } from './edge.js';
import { Rooms } from './rooms.js';

/** So long a client waits for an answer, its repeats included. */
export const DEADLINE_MS = 10_000;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 800;
/** How exact arrivals are. */
const TICK_MS = 2;

/** A call that is over. */
export interface CallRecord {
  readonly kind: CallKind;
  readonly api: Api;
  /** When its client wanted to begin, epoch milliseconds. */
  readonly startedAt: number;
  /** From there to the answer. */
  readonly tookMs: number;
  readonly attempts: number;
  /** Why it failed; undefined when it was answered. */
  readonly failure?: string | undefined;
  /** Why it was repeated first; undefined when it was not. */
  readonly repeatedFor?: string | undefined;
}

export interface MixedLoadOptions {
  readonly random: SeededRandom;
  /** Those whose door is open; never empty. */
  readonly edges: () => readonly Edge[];
  /** Chats in use at once. */
  readonly rooms: number;
  /** Takes each call once it is over. */
  readonly onCall: (call: CallRecord) => void;
  /** Takes each command once it is over, for the checker. */
  readonly onCommand: (operation: Operation) => void;
}

/** Clients of all kinds, who repeat what is UNAVAILABLE with the same request id until their deadline. */
export class MixedLoad {
  readonly rooms: Rooms;
  #inFlight = 0;

  constructor(private readonly options: MixedLoadOptions) {
    this.rooms = new Rooms(options.rooms);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Makes the first chats. */
  async fillRooms(): Promise<void> {
    while (this.rooms.count < this.options.rooms) {
      await Promise.all(Array.from({ length: 8 }, () => this.#call(undefined, performance.now())));
    }
  }

  /** So many clients, each of which waits for its answer before it calls again. @returns calls in a second */
  async closed(clients: number, durationMs: number, signal?: AbortSignal): Promise<number> {
    const startedAt = performance.now();
    let calls = 0;
    const loop = async (): Promise<void> => {
      while (performance.now() - startedAt < durationMs && !signal?.aborted) {
        await this.#call(this.rooms.pick(this.options.random), performance.now());
        calls += 1;
      }
    };
    await Promise.all(Array.from({ length: clients }, loop));
    return (calls * 1_000) / (performance.now() - startedAt);
  }

  /** So many calls a second arrive, at random moments (a Poisson process), whatever becomes of those before. */
  async open(callsPerSecond: number, signal: AbortSignal): Promise<void> {
    let next = performance.now();
    while (!signal.aborted) {
      while (next <= performance.now()) {
        void this.#call(this.rooms.pick(this.options.random), next);
        next += (-Math.log(1 - this.#fraction()) * 1_000) / callsPerSecond;
      }
      await sleep(TICK_MS);
    }
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    while (this.#inFlight > 0) await sleep(20);
  }

  /** From 0, below 1. */
  #fraction(): number {
    return this.options.random.integer(0, 2 ** 30 - 1) / 2 ** 30;
  }

  /** @param wantedAt on performance's clock */
  async #call(room: PlannedCall['room'], wantedAt: number): Promise<void> {
    const { random, onCall, onCommand } = this.options;
    const call = planCall(random, room, (made) => this.rooms.add(made));
    const { kind, api, intent, room: about } = call;
    const invokedAt = Date.now();
    this.#inFlight += 1;
    if (about !== undefined && intent !== undefined) {
      about.commands += 1;
      about.pending += 1;
    }
    const { answer, attempts, repeatedFor } = await this.#persist(call);
    const completedAt = Date.now();
    const failure = whyFailed(call, answer);
    if (intent !== undefined) {
      if (about !== undefined) about.pending -= 1;
      onCommand({
        ...{ client: api, api: api === 'REST' ? 'rest' : 'grpc', accountId: call.accountId, requestId: call.requestId },
        ...{ threadId: about?.id, intent, isRepeat: false, invokedAt, completedAt, attempts },
        outcome: outcomeOf(answer),
      });
    }
    this.#inFlight -= 1;
    const tookMs = performance.now() - wantedAt;
    onCall({ kind, api, startedAt: completedAt - tookMs, tookMs, attempts, failure, repeatedFor });
  }

  /** Attempts at one Envoy and then the other, until there is an answer or the time is over. */
  async #persist(call: PlannedCall): Promise<{ answer: Answer; attempts: number; repeatedFor?: string }> {
    const deadline = performance.now() + DEADLINE_MS;
    let [attempts, backoffMs] = [0, FIRST_BACKOFF_MS];
    let repeatedFor: string | undefined;
    let last: Edge | undefined;
    for (;;) {
      const edges = this.options.edges();
      const others = edges.filter((edge) => edge !== last);
      last = this.options.random.pick(others.length > 0 ? others : edges);
      attempts += 1;
      const answer = await call.attempt(last, deadline - performance.now());
      const leftMs = deadline - performance.now();
      if (answer.kind !== 'unavailable' || leftMs <= backoffMs) return { answer, attempts, repeatedFor };
      repeatedFor ??= answer.reason;
      await sleep(backoffMs * (0.5 + this.#fraction() / 2));
      backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2);
    }
  }
}

function whyFailed(call: PlannedCall, answer: Answer): string | undefined {
  switch (answer.kind) {
    case 'answered':
      return call.accept(answer.body);
    case 'rejected':
      // Of commands the checker says whether a rejection was right; a query has no reason to be refused.
      return call.intent === undefined ? `refused: ${answer.reason}` : undefined;
    case 'unavailable':
    case 'late':
    case 'wrong':
      return answer.reason;
  }
}

function outcomeOf(answer: Answer): Outcome {
  switch (answer.kind) {
    case 'answered': {
      const told = answer.body as { version?: bigint; threadId?: string } & Partial<Record<string, readonly string[]>>;
      const ids = told.messageIds ?? told.joinedMemberIds;
      const version = told.version === undefined ? undefined : Number(told.version);
      return { kind: 'acknowledged', threadId: told.threadId || undefined, version, ids };
    }
    case 'rejected':
      return answer;
    case 'unavailable':
    case 'late':
      return { kind: 'unknown', reason: answer.reason };
    case 'wrong':
      return { kind: 'unexpected', reason: answer.reason };
  }
}
