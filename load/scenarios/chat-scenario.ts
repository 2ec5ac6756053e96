import { newId, type User } from '../engine/user.js';
import { CallFailed, type WatchedCommit } from '../transports/thread-api.js';
import type { Scenario, Stage } from './scenario.js';
import { Watcher } from './watcher.js';

/** Of a visit. */
const POSTS = 5;
/** A room with so many posts gets no more visitors: a thread holds 5,000 messages. */
const POSTS_OF_ROOM = 500;
const PAGE = 50;

/**
 * Visits to chat rooms: join, watch, then some rounds of posting, pausing and reading, and leave. A room's members are users of one worker;
 * each gets each other's messages, and how long these took from the beginning of the post is recorded as `watch`.
 */
export class ChatScenario implements Scenario {
  readonly #rooms: Room[] = [];

  constructor(private readonly stage: Stage) {}

  async play(user: User): Promise<void> {
    const room = this.#roomWithSeat();
    room.seated += 1;
    try {
      await this.#visit(user, room);
    } finally {
      room.seated -= 1;
    }
  }

  #roomWithSeat(): Room {
    const { roomSize } = this.stage.options.shape;
    for (const [index, room] of [...this.#rooms.entries()].reverse()) {
      if ((room.isClosed || room.posts >= POSTS_OF_ROOM) && room.seated === 0) this.#rooms.splice(index, 1);
    }
    const free = this.#rooms.find(
      ({ seated, posts, isClosed }) => seated < roomSize && posts < POSTS_OF_ROOM && !isClosed,
    );
    if (free !== undefined) return free;
    const room = new Room(this.stage);
    this.#rooms.push(room);
    return room;
  }

  async #visit(user: User, room: Room): Promise<void> {
    const { api, recorder, options } = this.stage;
    const threadId = await room.open(user);
    const accountId = newId();
    const membership = { accountId: room.ownerId, threadId, memberIds: [accountId] };
    const joined = await user.request('join', (call) => api.joinMembers(call, membership));
    const member = { accountId, threadId, version: joined.version };
    const watcher = new Watcher(api, member, (commit) => room.deliver(commit));
    let lastVersion = joined.version;
    try {
      for (let round = 0; round < POSTS && !user.isStopping; round += 1) {
        const { version, messageId } = await room.post(user, accountId);
        lastVersion = version;
        await user.pause();
        if (user.isStopping) break;
        await user.request('read', async (call) => {
          const offset = Math.max(0, room.posts - PAGE);
          const page = { accountId, threadId, minVersion: version, around: messageId, offset, limit: 2 * PAGE };
          const ids = await api.readMessages(call, page);
          if (!ids.includes(messageId)) throw new CallFailed('check: own message is missing', false);
        });
        await user.pause();
      }
      if (!(await watcher.reached(lastVersion, options.timeoutMs))) {
        recorder.recordMissingDelivery('watch', 'not delivered in time');
      }
    } finally {
      await watcher.close();
    }
    if (!user.isStopping) await user.request('leave', (call) => api.leaveMembers(call, membership));
  }
}

/** A thread and what was posted there by whom in this worker. */
class Room {
  readonly ownerId = newId();
  seated = 0;
  posts = 0;
  /** It could not be opened. */
  isClosed = false;
  readonly #postedAt = new Map<string, number>();
  #thread: Promise<string> | undefined;

  constructor(private readonly stage: Stage) {}

  /** The first visitor creates the thread, the others wait. @returns its id */
  async open(user: User): Promise<string> {
    if (this.#thread !== undefined) return this.#thread;
    this.#thread = this.#create(user);
    try {
      return await this.#thread;
    } catch (error) {
      this.isClosed = true;
      throw error;
    }
  }

  async post(user: User, accountId: string) {
    const threadId = (await this.#thread) ?? '';
    const text = `${newId()} says hello to the room`;
    this.#postedAt.set(text, performance.now());
    const posted = await user.request('post', (call) =>
      this.stage.api.postMessage(call, { accountId, threadId, text }),
    );
    this.posts += 1;
    return posted;
  }

  deliver({ texts }: WatchedCommit): void {
    for (const text of texts) {
      const postedAt = this.#postedAt.get(text);
      if (postedAt !== undefined) this.stage.recorder.recordDelivery('watch', performance.now() - postedAt);
    }
  }

  async #create(user: User): Promise<string> {
    const request = { accountId: this.ownerId, title: 'load: chat', memberIds: [] };
    const { threadId } = await user.request('create', (call) => this.stage.api.createThread(call, request));
    return threadId;
  }
}
