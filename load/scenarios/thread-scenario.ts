import { newId, type User } from '../engine/user.js';
import { CallFailed } from '../transports/thread-api.js';
import type { Scenario, Stage } from './scenario.js';

/**
 * Thread Weaver's own simulation: a new account creates a thread, pauses, and gets it, which must be there. Without a
 * pause the GET asks for the version that the create told, since the read model may lag.
 */
export class ThreadScenario implements Scenario {
  constructor(private readonly stage: Stage) {}

  async play(user: User): Promise<void> {
    const { api, options } = this.stage;
    const accountId = newId();
    const request = { accountId, title: 'load', memberIds: [accountId] };
    const { threadId, version } = await user.request('create', (call) => api.createThread(call, request));
    await user.pause();
    if (user.isStopping) return;
    const minVersion = options.pauseMs === 0 ? version : undefined;
    await user.request('get', async (call) => {
      const { id } = await api.getThread(call, { accountId, threadId, minVersion });
      if (id !== threadId) throw new CallFailed('check: another id', false);
    });
  }
}
