import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import type { Operation, Outcome } from './history.js';
import { anyIntent, creationBy, learn, type KnownThread } from './intents.js';
import { SeededRandom } from './random.js';
import type { Request, Transport } from './transports.js';

export interface LoadOptions {
  readonly seed: number;
  readonly transports: readonly Transport[];
  /** Takes each operation once it is over. */
  readonly record: (operation: Operation) => void;
  /** @default 10 */
  readonly clients?: number;
  /** Asks each thread that is used again and again, so that it is seen when it does not answer. @default true */
  readonly probes?: boolean;
}

const SHARED_THREADS = 4;
/** Within the thousand requests that a thread remembers, so that any repeat is known. */
const MOST_COMMANDS_IN_THREAD = 600;
/** A patient client gives up so long after the load has ended, when everything is well again. */
const PATIENCE_MS = 45_000;
const LONGEST_THINKING_MS = 60;
const RETRY_MS = 50;
const REPEATABLE = 20;
const PROBE_EVERY_MS = 3_000;

/** A place for a thread, which a new one takes when it is destroyed or full. */
interface Slot {
  thread: KnownThread | undefined;
  isCreating: boolean;
}

/**
 * Clients that change threads of their own and threads that all of them share. Most repeat a request until it is
 * answered, at whatever process; some do not; some repeat an answered request later.
 */
export class Load {
  readonly #accounts: readonly string[];
  readonly #shared: readonly Slot[] = Array.from({ length: SHARED_THREADS }, newSlot);
  /** Threads that are destroyed or left alone. */
  readonly #former: KnownThread[] = [];
  readonly #loops: Promise<void>[];
  #isRunning = true;
  #probes = 0;
  #giveUpAt = Number.POSITIVE_INFINITY;

  private constructor(private readonly options: LoadOptions) {
    const { clients = 10, seed } = options;
    this.#accounts = Array.from({ length: clients }, () => ulid());
    this.#loops = this.#accounts.map((account, index) => this.#loop(account, new SeededRandom(seed + index + 1)));
  }

  static start(options: LoadOptions): Load {
    return new Load(options);
  }

  /** Ends it: nothing new is asked, and what was asked is waited for, but not for ever. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#giveUpAt = Date.now() + PATIENCE_MS;
    await Promise.all(this.#loops);
  }

  /** A command now and then that its creator, if nobody else, is answered, be it by a rejection. */
  async #probe(thread: KnownThread): Promise<void> {
    const random = new SeededRandom(this.options.seed + (this.#probes += 1) * 1_000);
    while (this.#isRunning && !thread.isDestroyed) {
      const requestId = ulid();
      const intent = { type: 'AddMessages', messages: [{ text: `${requestId} probe` }] } as const;
      const request = { api: 'grpc', accountId: thread.creatorId, requestId, threadId: thread.id, intent } as const;
      await this.#perform(request, random, true);
      thread.answered += 1;
      await sleep(PROBE_EVERY_MS);
    }
  }

  async #loop(account: string, random: SeededRandom): Promise<void> {
    const own = newSlot();
    const answered: Operation[] = [];
    while (this.#isRunning) {
      if (answered.length > 0 && random.chance(6)) await this.#repeat(random, random.pick(answered));
      else await this.#command(account, random, random.chance(25) ? own : random.pick(this.#shared), answered);
      await sleep(random.integer(0, LONGEST_THINKING_MS));
    }
  }

  async #command(account: string, random: SeededRandom, slot: Slot, answered: Operation[]): Promise<void> {
    const requestId = ulid();
    const request = { api: random.chance(70) ? 'grpc' : 'rest', accountId: account, requestId } as const;
    const isPatient = random.chance(88);
    const { thread } = this.#used(slot);
    if ((thread === undefined && !slot.isCreating) || random.chance(1)) {
      const intent = creationBy(random, account, this.#accounts);
      slot.isCreating = true;
      const operation = await this.#perform({ ...request, threadId: undefined, intent }, random, isPatient);
      slot.isCreating = false;
      const { outcome } = operation;
      if (outcome.kind !== 'acknowledged' || outcome.threadId === undefined) return;
      if (slot.thread !== undefined) this.#former.push(slot.thread);
      const created = { id: outcome.threadId, creatorId: account, answered: 0, isDestroyed: false, messages: [] };
      slot.thread = created;
      if (this.options.probes ?? true) this.#loops.push(this.#probe(created));
      return keep(answered, operation);
    }
    const target = thread === undefined || random.chance(2) ? random.some(this.#former, 1)[0] : thread;
    if (target === undefined) return;
    const content = { account, accounts: this.#accounts, text: requestId, mayReply: request.api === 'grpc' };
    const intent = anyIntent(random, target, content);
    const operation = await this.#perform({ ...request, threadId: target.id, intent }, random, isPatient);
    target.answered += 1;
    if (operation.outcome.kind !== 'acknowledged') return;
    learn(target, intent, account, operation.outcome.ids);
    keep(answered, operation);
  }

  /** The slot, without its thread if that is used up. */
  #used(slot: Slot): Slot {
    const { thread } = slot;
    if (thread !== undefined && (thread.isDestroyed || thread.answered > MOST_COMMANDS_IN_THREAD)) {
      // What is full takes no more commands, lest a repeat is no longer remembered.
      if (thread.isDestroyed) this.#former.push(thread);
      slot.thread = undefined;
    }
    return slot;
  }

  async #repeat(random: SeededRandom, { api, accountId, requestId, threadId, intent, ...first }: Operation) {
    await this.#perform({ api, accountId, requestId, threadId, intent }, random, true, first.invokedAt);
  }

  /** @param firstInvokedAt of a repeat: the operation's that it repeats */
  async #perform(
    request: Omit<Request, 'invokedAt'>,
    random: SeededRandom,
    isPatient: boolean,
    firstInvokedAt?: number,
  ): Promise<Operation> {
    const invokedAt = Date.now();
    // An older request's content has a time in it.
    const sent = { ...request, invokedAt: firstInvokedAt ?? invokedAt };
    const transports = this.options.transports.filter(({ api }) => api === request.api);
    let outcome: Outcome = { kind: 'unknown', reason: 'not sent' };
    let attempts = 0;
    while (outcome.kind === 'unknown' && (attempts === 0 || isPatient)) {
      if (attempts > 0) await sleep(RETRY_MS);
      attempts += 1;
      outcome = await random.pick(transports).send(sent, random.pick([1_500, 3_000, 6_000]));
      if (outcome.kind !== 'unknown' || Date.now() < this.#giveUpAt) continue;
      outcome = { kind: 'unexpected', reason: `no answer in ${PATIENCE_MS} ms of peace: ${outcome.reason}` };
    }
    const operation: Operation = {
      client: request.accountId,
      ...request,
      isRepeat: firstInvokedAt !== undefined,
      invokedAt,
      completedAt: Date.now(),
      attempts,
      outcome,
    };
    this.options.record(operation);
    return operation;
  }
}

function newSlot(): Slot {
  return { thread: undefined, isCreating: false };
}

function keep(answered: Operation[], operation: Operation): void {
  answered.push(operation);
  if (answered.length > REPEATABLE) answered.shift();
}
