import type { SeededRandom } from '../chaos/random.js';

/** A chat as its clients know it. */
export class Room {
  /** Highest version that was acknowledged. */
  version: number;
  /** Commands sent, answered or not. */
  commands = 0;
  /** Commands that are not answered yet. */
  pending = 0;
  /** Nothing is asked of it any more. */
  isRetired = false;
  /** The last messages that were acknowledged. */
  readonly messages: { readonly id: string; readonly sender: string; readonly word: string }[] = [];
  /** When each version was acknowledged, epoch milliseconds. */
  readonly acknowledgedAt = new Map<number, number>();

  /** @param accounts administrators or members; the first is an administrator */
  constructor(
    readonly id: string,
    version: number,
    readonly accounts: string[],
  ) {
    this.version = version;
  }

  get administrator(): string {
    return this.accounts[0] as string;
  }

  learnVersion(version: number): void {
    this.version = Math.max(this.version, version);
    this.acknowledgedAt.set(version, Date.now());
  }

  /** They may act from now on. */
  learnMembers(accounts: readonly string[]): void {
    this.accounts.push(...accounts.filter((account) => !this.accounts.includes(account)));
  }

  learnMessage(id: string, sender: string, word: string): void {
    this.messages.push({ id, sender, word });
    if (this.messages.length > MESSAGES_KNOWN) this.messages.shift();
  }
}

const MESSAGES_KNOWN = 50;
/** Within the thousand requests that a thread remembers, so that any repeat is known. */
const MOST_COMMANDS = 800;

/** The chats in use: a new one takes the oldest one's place, so that no account and no thread grows without bound. */
export class Rooms {
  readonly #active: Room[] = [];

  constructor(private readonly size: number) {}

  get count(): number {
    return this.#active.length;
  }

  add(room: Room): void {
    this.#active.push(room);
    while (this.#active.length > this.size) this.#retire(0);
  }

  /** One that is in use; undefined when all are full. */
  pick(random: SeededRandom): Room | undefined {
    for (let attempt = 0; attempt < 20 && this.#active.length > 0; attempt += 1) {
      const index = random.integer(0, this.#active.length - 1);
      const room = this.#active[index] as Room;
      if (room.commands < MOST_COMMANDS) return room;
      this.#retire(index);
    }
    return undefined;
  }

  /** Those that will be in use for longest. */
  newest(count: number): readonly Room[] {
    return this.#active.slice(-count);
  }

  retireAll(): void {
    while (this.#active.length > 0) this.#retire(0);
  }

  #retire(index: number): void {
    const [room] = this.#active.splice(index, 1);
    if (room !== undefined) room.isRetired = true;
  }
}
