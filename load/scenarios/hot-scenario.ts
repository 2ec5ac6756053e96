import { decodeTime } from 'ulid';
import { newId, type User } from '../engine/user.js';
import type { Call } from '../transports/thread-api.js';
import { makeMany, sendPatiently } from './prepare.js';
import { shareOf, type Scenario, type Stage } from './scenario.js';

const READ_PERCENT = 20;
const PAGE = 20;
/** Of the 5,000 messages that a thread holds. */
const POSTS_OF_THREAD = 4_500;

interface Thread {
  readonly accountId: string;
  readonly threadId: string;
  posts: number;
}

/**
 * One celebrity's thread takes most of the load, beside many quiet ones. Requests are named by which they are for, so that one
 * sees what the quiet ones suffer.
 */
export class HotScenario implements Scenario {
  #quiet: Thread[] = [];
  #hot: Promise<Thread> | undefined;
  #hotNumber = 0;

  constructor(private readonly stage: Stage) {}

  async prepare(report: (done: number, total: number) => void): Promise<void> {
    await this.#hotThread();
    const count = Math.max(1, shareOf(this.stage.options.shape.quietThreads, this.stage));
    this.#quiet = await makeMany(this.stage, count, () => this.#create(undefined), report);
  }

  async play(user: User): Promise<void> {
    const { api, options } = this.stage;
    const isHot = user.random.chance(options.shape.hotPercent);
    const thread = isHot ? await this.#hotThread(user) : await this.#quietThread(user);
    const { accountId, threadId } = thread;
    const kind = isHot ? 'hot' : 'quiet';
    if (user.random.chance(READ_PERCENT)) {
      const page = { accountId, threadId, offset: 0, limit: PAGE };
      await user.request(`read-${kind}`, (call) => api.readMessages(call, page));
    } else {
      thread.posts += 1;
      const post = { accountId, threadId, text: `${newId()} says hello` };
      await user.request(`post-${kind}`, (call) => api.postMessage(call, post));
    }
    await user.pause();
  }

  /** All workers have the same one: the account and the request id decide a new thread's id. */
  async #hotThread(user?: User): Promise<Thread> {
    const known = this.#hot;
    const current = await known;
    if (current !== undefined && current.posts < POSTS_OF_THREAD / this.stage.workerCount) return current;
    // Another user may have begun the next one meanwhile.
    if (this.#hot !== known && this.#hot !== undefined) return this.#hot;
    const { runId, options } = this.stage;
    this.#hotNumber += 1;
    const requestId = `${runId}-${this.#hotNumber}`;
    const call = { requestId, startedAt: decodeTime(runId), deadlineAt: Date.now() + options.timeoutMs };
    const next = this.#create(user, runId, call);
    this.#hot = next;
    next.catch(() => (this.#hot = undefined));
    return next;
  }

  async #quietThread(user: User): Promise<Thread> {
    const thread = user.random.pick(this.#quiet);
    if (thread.posts < POSTS_OF_THREAD) return thread;
    const fresh = await this.#create(user);
    this.#quiet[this.#quiet.indexOf(thread)] = fresh;
    return fresh;
  }

  /** @param user by whom it is measured; nobody while preparing */
  async #create(user: User | undefined, accountId = newId(), call?: Call): Promise<Thread> {
    const { api } = this.stage;
    const request = { accountId, title: 'load: hot', memberIds: [] };
    const send = (each: Call) => api.createThread(each, request);
    const { threadId } = await (user?.request('create', send, call) ?? sendPatiently(this.stage, send, call));
    return { accountId, threadId, posts: 0 };
  }
}
