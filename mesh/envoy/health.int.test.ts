import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ServiceError, status } from '@grpc/grpc-js';
import { protoClient, type ProtoClient } from '../../platform/testing/proto-client.js';
import { edgeConnectionManager } from '../istio/render-edge-filters.js';
import { CannedServices } from './testing/canned-services.js';
import { grpcWebCall } from './testing/grpc-web.js';
import { upstreams } from './render-config.js';
import { startEnvoy, type TestEnvoy } from './testing/start-envoy.js';

const OF_COMMANDS = [
  'threadweaver.thread.v1.ThreadCommandService',
  'threadweaver.legacy.thread.v1.ThreadRestCommandService',
  'thread.ThreadCommandService',
];
const OF_QUERIES = OF_COMMANDS.map((name) => name.replace('Command', 'Query'));

describe('Health through Envoy', () => {
  let commands: CannedServices;
  let queries: CannedServices;
  let envoy: TestEnvoy;
  let client: ProtoClient;
  before(async () => {
    [commands, queries] = [await CannedServices.start(), await CannedServices.start()];
    for (const name of OF_COMMANDS) commands.sayServing(name);
    for (const name of OF_QUERIES) queries.sayServing(name);
    envoy = await startEnvoy(commands.port, {
      upstreams: upstreams((name) => [
        { host: '127.0.0.1', port: (name === 'thread-query' ? queries : commands).port },
      ]),
    });
    client = protoClient('grpc/health/v1/health.proto', 'grpc.health.v1.Health', envoy.authority);
  });
  after(async () => {
    client.close();
    await envoy.stop();
    commands.stop();
    queries.stop();
  });

  it('is that of the process which serves the service, each service asked for by its name', async () => {
    for (const [services, names] of [
      [commands, [...OF_COMMANDS, '']],
      [queries, OF_QUERIES],
    ] as const) {
      for (const name of names) {
        assert.deepEqual(await client.call('Check', { service: name }), { status: 'SERVING' }, name);
        services.sayNotServing(name);
        // One instance that is all there is gets the calls nevertheless.
        assert.deepEqual(await client.call('Check', { service: name }), { status: 'NOT_SERVING' }, name);
        services.sayServing(name);
      }
    }
  });

  it('is NOT_FOUND of a service that nobody serves', async () => {
    for (const service of ['no.such.Service', 'no.such.QueryService', 'x'.repeat(1_000)]) {
      const isNotFound = ({ code }: ServiceError) => code === status.NOT_FOUND;
      await assert.rejects(client.call('Check', { service }), isNotFound, service);
    }
  });

  it('can be watched, as clients with a healthCheckConfig do', async () => {
    for (const [services, service] of [
      [commands, OF_COMMANDS[0]],
      [queries, OF_QUERIES[0]],
    ] as const) {
      const watch = client.stream('Watch', { service }, { timeoutMs: Infinity });
      watch.on('error', () => undefined);
      assert.deepEqual(await once(watch, 'data'), [{ status: 'SERVING' }]);
      services.sayNotServing(service);
      assert.deepEqual(await once(watch, 'data'), [{ status: 'NOT_SERVING' }]);
      services.sayServing(service);
      assert.deepEqual(await once(watch, 'data'), [{ status: 'SERVING' }]);
      watch.cancel();
    }
  });

  it('can be watched for as long as a client likes, though nothing happens', () => {
    const { routes } = edgeConnectionManager().route_config.virtual_hosts[0];
    for (const name of ['health-watch', 'health-query-watch']) {
      const route = routes.find((each) => each.name === name)?.route;
      assert.deepEqual([route?.timeout, route?.idle_timeout, route?.max_stream_duration], ['0s', '0s', undefined]);
    }
  });

  it('can be asked for by gRPC-Web', async () => {
    const [name = ''] = OF_QUERIES;
    for (const service of [name, '']) {
      const request =
        service === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)]);
      const answer = await grpcWebCall(`${envoy.url}/grpc.health.v1.Health/Check`, request);
      assert.deepEqual([answer.grpcStatus, answer.message], ['0', Buffer.from([8, 1])], service);
    }
  });

  it('cannot be sent elsewhere by a header', async () => {
    const metadata = { 'x-mesh-health': 'thread-query' };
    assert.deepEqual(await client.call('Check', { service: OF_COMMANDS[0] }, { metadata }), { status: 'SERVING' });
  });
});
