import assert from 'node:assert/strict';
import { pino } from 'pino';
import { CutProxy, sharedNatsUrl, waitUntilHealthy } from '../../mesh/servers/index.js';
import { NatsLink } from './nats-link.js';

describe('NatsLink', () => {
  it('comes back though the clock was ahead while it was lost', async () => {
    const proxy = await CutProxy.start(Number(new URL(await sharedNatsUrl()).port));
    const logger = pino({ level: 'silent' });
    const link = await NatsLink.open({ url: `nats://127.0.0.1:${proxy.port}`, name: 'test', logger });
    const rightNow = Date.now;
    /** Settles at the next change of the connection. */
    const changed = (connected: boolean): Promise<void> =>
      new Promise((resolve) => {
        const stop = link.onStatus((is) => {
          if (is !== connected) return;
          stop();
          resolve();
        });
      });
    try {
      const lost = changed(false);
      Date.now = () => rightNow() + 3_600_000;
      proxy.cut('reset');
      await lost;
      const { taken } = proxy;
      await waitUntilHealthy('an attempt to connect', async () => assert.ok(proxy.taken >= taken + 2));
      Date.now = rightNow;
      const back = changed(true);
      proxy.heal();
      await back;
      assert.equal(link.reconnects, 1);
    } finally {
      Date.now = rightNow;
      await link.close();
      await proxy.close();
    }
  });
});
