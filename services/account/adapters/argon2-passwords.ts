import { hash, verify, type Algorithm, type Options } from '@node-rs/argon2';
import { FairQueue } from '../../../platform/process/fair-queue.js';
import type { Passwords } from '../runtime/account-store.js';

/** As RFC 9106 numbers it; the library's enumeration is gone once it is compiled. */
const ARGON2ID: Algorithm = 2;
/** OWASP's and RFC 9106's least for argon2id with little memory: 19 MiB, two passes, one lane. */
const options: Options = { algorithm: ARGON2ID, memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

export interface Argon2Options {
  /** So many at once: each takes a core for some 20 ms and more. */
  readonly maxRunning: number;
  /** So many of one client may wait. */
  readonly maxWaitingPerClient: number;
  /** So many may wait in all. */
  readonly maxWaiting: number;
}

/** Passwords by argon2id, on threads of their own. */
export class Argon2Passwords implements Passwords {
  readonly #turns: FairQueue;
  /** Of no password: what is compared with it takes as long. */
  readonly #nobodys = hash(crypto.randomUUID(), options);

  constructor(turns: Argon2Options) {
    this.#turns = new FairQueue(turns);
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  hash(password: string, client: string): Promise<string> {
    return this.#turns.run(client, () => hash(password, options));
  }

  isRight(password: string, known: string | undefined, client: string): Promise<boolean> {
    return this.#turns.run(client, async () => {
      const isEqual = await verify(known ?? (await this.#nobodys), password);
      return isEqual && known !== undefined;
    });
  }
}
