import assert from 'node:assert/strict';
import { credentials, Metadata } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import {
  AddMessagesRequest,
  CreateThreadRequest,
  ThreadCommandServiceClient,
} from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { waitUntilHealthy } from '../servers/index.js';
import { CannedServices } from './testing/canned-services.js';
import { get, post } from './testing/rest-call.js';
import { upstreams } from './render-config.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

type Unary = (error: unknown) => void;

describe('Envoy, with two instances of each service', () => {
  let instances: [CannedServices, CannedServices];
  let envoy: TestEnvoy;
  let client: ThreadCommandServiceClient;
  beforeEach(async () => {
    instances = [await CannedServices.start(), await CannedServices.start()];
    const endpoints = instances.map(({ port }) => ({ host: '127.0.0.1', port }));
    envoy = await startEnvoy(instances[0].port, { upstreams: upstreams(() => endpoints) });
    client = new ThreadCommandServiceClient(envoy.authority, credentials.createInsecure());
    await healthyInstances(2);
  });
  afterEach(async () => {
    client.close();
    await envoy.stop();
    for (const instance of instances) instance.stop();
  });

  const healthyInstances = (count: number) =>
    waitUntilHealthy('the health checks', async () => {
      for (const cluster of ['thread-command', 'thread-query']) {
        const healthy = await envoy.stat(`cluster.${cluster}.membership_healthy`);
        if (healthy !== count) throw new Error(`${cluster} has ${healthy} healthy instances`);
      }
    });
  /** Which instance took this call: 0 or 1. */
  const takerOf = async (call: () => Promise<unknown>): Promise<number> => {
    for (const instance of instances) instance.calls.length = 0;
    await call();
    const counts = instances.map(({ calls }) => calls.length);
    assert.deepEqual(counts.toSorted(), [0, 1]);
    return counts.indexOf(1);
  };
  const restCommand = (id: string) => async () =>
    assert.equal((await post(`${envoy.url}/v1/threads/${id}/messages/add`, '{}')).status, 200);
  const restQuery = (id: string) => async () =>
    assert.equal((await get(`${envoy.url}/v1/threads/${id}?account_id=a`)).status, 200);
  const grpc = (call: (metadata: Metadata, done: Unary) => unknown, id?: string) => () =>
    new Promise<void>((resolve, reject) => {
      const metadata = new Metadata();
      if (id !== undefined) metadata.set('x-thread-id', id);
      call(metadata, (error) => (error === null ? resolve() : reject(error as Error)));
    });
  const grpcCommand = (id: string) =>
    grpc((metadata, done) => client.addMessages(AddMessagesRequest.fromPartial({ threadId: id }), metadata, done), id);
  const ids = Array.from({ length: 12 }, () => ulid());

  it("sends a thread's commands to one instance, by REST and gRPC, whatever the case of its id", async () => {
    const takers: number[] = [];
    for (const id of ids) {
      const taker = await takerOf(restCommand(id));
      for (const call of [
        restCommand(id),
        restCommand(id.toLowerCase()),
        grpcCommand(id),
        grpcCommand(id.toLowerCase()),
      ])
        assert.equal(await takerOf(call), taker);
      takers.push(taker);
    }
    assert.deepEqual(new Set(takers), new Set([0, 1]));
  });

  it("sends a thread's queries to one instance, and different threads' to different ones", async () => {
    const takers: number[] = [];
    for (const id of ids) {
      const taker = await takerOf(restQuery(id));
      assert.equal(await takerOf(restQuery(id)), taker);
      takers.push(taker);
    }
    assert.deepEqual(new Set(takers), new Set([0, 1]));
  });

  it('spreads what creates threads, even when it names one', async () => {
    const rest = async () => assert.equal((await post(`${envoy.url}/v1/threads/create`, '{}')).status, 200);
    const create = grpc(
      (metadata, done) => client.createThread(CreateThreadRequest.fromPartial({}), metadata, done),
      ids[0],
    );
    for (const call of [rest, create]) {
      const takers = new Set<number>();
      for (let attempt = 0; attempt < 30; attempt += 1) takers.add(await takerOf(call));
      assert.deepEqual(takers, new Set([0, 1]));
    }
  });

  it('moves the threads of an instance that drains or dies, and no others, and back', async () => {
    const home = new Map<string, number>();
    for (const id of ids) home.set(id, await takerOf(restCommand(id)));
    instances[0].sayNotServing();
    await healthyInstances(1);
    for (const id of ids) assert.equal(await takerOf(restCommand(id)), 1);
    instances[0].sayServing();
    await healthyInstances(2);
    for (const id of ids) assert.equal(await takerOf(restCommand(id)), home.get(id));
    instances[0].stop();
    // A call that was on its way to it at that moment may fail: nobody knows whether it was carried out.
    await healthyInstances(1);
    for (const id of ids) assert.equal(await takerOf(restCommand(id)), 1);
    for (const id of ids) assert.equal(await takerOf(grpcCommand(id)), 1);
  });
});
