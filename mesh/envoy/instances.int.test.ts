import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntilHealthy } from '../servers/index.js';
import { CannedServices } from './testing/canned-services.js';
import { get, post } from './testing/rest-call.js';
import { upstreams } from './render-config.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

describe('Envoy in front of several instances', () => {
  let one: CannedServices;
  let other: CannedServices;
  let envoy: TestEnvoy;
  beforeEach(async () => {
    [one, other] = [await CannedServices.start(), await CannedServices.start()];
    const both = [one, other].map(({ port }) => ({ host: '127.0.0.1', port }));
    envoy = await startEnvoy(one.port, { upstreams: upstreams(() => both) });
    await healthyInstances(2);
  });
  afterEach(async () => {
    await envoy.stop();
    one.stop();
    other.stop();
  });

  const healthyInstances = (count: number) =>
    waitUntilHealthy('the health checks', async () => {
      for (const cluster of ['thread-command', 'thread-query']) {
        const healthy = await envoy.stat(`cluster.${cluster}.membership_healthy`);
        if (healthy !== count) throw new Error(`${cluster} has ${healthy} healthy instances`);
      }
    });
  const askMany = async (count = 40) => {
    for (let call = 0; call < count; call += 1) {
      assert.equal((await get(`${envoy.url}/v1/threads?account_id=a`)).status, 200);
      assert.equal((await post(`${envoy.url}/v1/threads/create`, '{}')).status, 200);
    }
  };

  it('asks them all', async () => {
    await askMany();
    assert.ok(one.calls.length > 0);
    assert.ok(other.calls.length > 0);
  });

  it('fails no request when one of them dies', async () => {
    await askMany(5);
    one.stop();
    await askMany();
  });

  it('gives a command that an instance has when it dies to another', async () => {
    for (const instance of [one, other]) instance.answer({ silence: true });
    const answered = post(`${envoy.url}/v1/threads/create`, '{}');
    const taken = (): CannedServices | undefined => [one, other].find(({ calls }) => calls.length > 0);
    while (taken() === undefined) await delay(10);
    const dying = taken();
    const heir = dying === one ? other : one;
    heir.answer({ response: {} });
    const before = dying?.lastCall;
    dying?.stop();
    assert.equal((await answered).status, 200);
    assert.equal(heir.lastCall.path, before?.path);
    assert.equal(
      heir.lastCall.metadata['x-request-id'],
      before?.metadata['x-request-id'],
      'the service knows the repeat',
    );
  });

  it('leaves one alone that says NOT_SERVING', async () => {
    one.sayNotServing();
    await healthyInstances(1);
    one.calls.length = 0;
    await askMany(20);
    assert.equal(one.calls.length, 0);
  });

  it('tries them all when each says NOT_SERVING, rather than none', async () => {
    one.sayNotServing();
    other.sayNotServing();
    await healthyInstances(0);
    assert.equal((await get(`${envoy.url}/v1/threads?account_id=a`)).status, 200);
  });
});
