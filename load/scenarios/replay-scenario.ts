import { newId, type User } from '../engine/user.js';
import { makeMany, sendPatiently } from './prepare.js';
import { shareOf, type Scenario, type Stage } from './scenario.js';

const PAGE = 20;

interface ColdThread {
  readonly accountId: string;
  readonly threadId: string;
  /** performance.now() of the last call. */
  touchedAt: number;
}

/**
 * Threads that nobody has in memory: read a page of one, post to it, which makes its owner load it, and post again, which
 * does not. It then rests until it is cold again; users wait when none is.
 */
export class ReplayScenario implements Scenario {
  /** The longest untouched first. */
  #threads: ColdThread[] = [];

  constructor(private readonly stage: Stage) {}

  async prepare(report: (done: number, total: number) => void): Promise<void> {
    const { coldThreads } = this.stage.options.shape;
    const count = Math.max(1, shareOf(coldThreads, this.stage));
    const threads = await makeMany(this.stage, count, () => this.#create(), report);
    this.#threads = threads.sort((one, other) => one.touchedAt - other.touchedAt);
  }

  async play(user: User): Promise<void> {
    const { api, options } = this.stage;
    const thread = this.#threads.shift();
    if (thread === undefined) return user.pause(options.shape.coolDownMs / 10);
    const { accountId, threadId } = thread;
    try {
      await user.pause(thread.touchedAt + options.shape.coolDownMs - performance.now());
      if (user.isStopping) return;
      const page = { accountId, threadId, offset: 0, limit: PAGE };
      await user.request('read-cold', (call) => api.readMessages(call, page));
      const text = `${newId()} says hello again`;
      thread.touchedAt = performance.now();
      await user.request('post-cold', (call) => api.postMessage(call, { accountId, threadId, text }));
      await user.request('post-warm', (call) => api.postMessage(call, { accountId, threadId, text }));
    } finally {
      this.#threads.push(thread);
    }
    await user.pause();
  }

  async #create(): Promise<ColdThread> {
    const { api, options, stop } = this.stage;
    const accountId = newId();
    const request = { accountId, title: 'load: replay', memberIds: [] };
    const { threadId } = await sendPatiently(this.stage, (call) => api.createThread(call, request));
    for (let message = 0; message < options.shape.coldMessages && !stop.aborted; message += 1) {
      const post = { accountId, threadId, text: `message ${message} of those that were there before` };
      await sendPatiently(this.stage, (call) => api.postMessage(call, post));
    }
    return { accountId, threadId, touchedAt: performance.now() };
  }
}
