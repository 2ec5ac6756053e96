import assert from 'node:assert/strict';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ServiceError, status } from '@grpc/grpc-js';
import { grpcWebCall } from '../mesh/envoy/testing/grpc-web.js';
import { describeSymbol, listServices } from '../mesh/envoy/testing/reflection-client.js';
import type { RunningMesh } from '../mesh/local/index.js';
import { contractClient, rawCall } from './testing/contract-clients.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

const threadServices = [
  'threadweaver.thread.v1.ThreadCommandService',
  'threadweaver.thread.v1.ThreadQueryService',
  'thread.ThreadCommandService',
  'thread.ThreadQueryService',
];

describe('What clients find out by themselves', function () {
  this.timeout(60_000);
  let mesh: RunningMesh;
  before(async () => {
    mesh = await sharedMesh();
  });

  for (const version of ['v1', 'v1alpha'] as const) {
    it(`reflection ${version} through Envoy lists and describes the whole API`, async () => {
      const authority = `127.0.0.1:${mesh.ports.envoy}`;
      const names = await listServices(authority, version);
      for (const name of [...threadServices, 'grpc.health.v1.Health']) assert.ok(names.includes(name), name);
      const symbols = [
        ...threadServices,
        'threadweaver.thread.v1.CreateThreadRequest',
        'CreateThreadRequest',
        'google.protobuf.Timestamp',
        'thread.ThreadCommandService.CreateThread',
      ];
      for (const symbol of symbols) {
        const files = await describeSymbol(authority, symbol, version);
        assert.ok(files.length > 0, symbol);
      }
      await assert.rejects(describeSymbol(authority, 'no.such.Symbol', version), /no\.such\.Symbol/);
    });
  }

  it('what reflection through Envoy lists can be called through Envoy', async () => {
    const authority = `127.0.0.1:${mesh.ports.envoy}`;
    const names = await listServices(authority);
    assert.ok(!names.some((name) => name.includes('.admin.')), names.join());
    for (const name of names) {
      const files = (await describeSymbol(authority, name)).map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      const services = files.flatMap((file) => file.service.map((service) => ({ file, service })));
      const found = services.find(({ file, service }) => `${file.package}.${service.name}` === name);
      const path = `/${name}/${found?.service.method[0]?.name ?? assert.fail(name)}`;
      const code = await rawCall(authority, path, Buffer.alloc(0)).then(
        () => status.OK,
        (error: ServiceError) => error.code,
      );
      assert.ok([status.OK, status.INVALID_ARGUMENT].includes(code), `${path}: ${status[code]}`);
    }
  });

  it('health of each service that Envoy serves is told through it', async () => {
    const health = contractClient('grpc.health.v1.Health', `127.0.0.1:${mesh.ports.envoy}`);
    for (const service of threadServices) {
      assert.equal((await health.call('Check', { service })).status, 'SERVING', service);
    }
    health.close();
  });

  it('reflection of a service itself lists its own', async () => {
    const commands = await listServices(`127.0.0.1:${mesh.ports.threadCommand}`);
    assert.ok(commands.includes('threadweaver.thread.v1.ThreadCommandService'));
    assert.ok(!commands.includes('threadweaver.thread.v1.ThreadQueryService'));
    const operators = await listServices(`127.0.0.1:${mesh.ports.threadCommandAdmin}`);
    assert.ok(operators.includes('threadweaver.admin.v1.OwnershipService'));
    assert.ok(!commands.includes('threadweaver.admin.v1.OwnershipService'));
    const queries = await listServices(`127.0.0.1:${mesh.ports.threadQuery}`);
    assert.ok(queries.includes('thread.ThreadQueryService'));
    assert.ok(!queries.includes('thread.ThreadCommandService'));
  });

  it('health is SERVING, through Envoy and of each service', async () => {
    const { envoy, threadCommand, threadQuery, threadProjector } = mesh.ports;
    for (const port of [envoy, threadCommand, threadQuery, threadProjector]) {
      const health = contractClient('grpc.health.v1.Health', `127.0.0.1:${port}`);
      try {
        assert.equal((await health.call('Check', { service: '' })).status, 'SERVING', `port ${port}`);
      } finally {
        health.close();
      }
    }
  });

  it('a page reaches the API by gRPC-Web', async () => {
    const account = newAccount();
    // CreateThreadRequest by hand: account_id = 2, title = 4, administrator_ids = 6.
    const field = (number: number, text: string) =>
      Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)]);
    const request = Buffer.concat([field(2, account), field(4, 'web'), field(6, account)]);
    const path = '/threadweaver.thread.v1.ThreadCommandService/CreateThread';
    const answer = await grpcWebCall(mesh.url + path, request, { origin: 'http://localhost:3000' });
    assert.equal(answer.grpcStatus, '0');
    assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:3000');
    // CreateThreadResponse: thread_id = 1.
    assert.match(answer.message?.subarray(2, 28).toString() ?? '', /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    const refused = await grpcWebCall(mesh.url + path, Buffer.alloc(0));
    assert.equal(refused.grpcStatus, '3');
    assert.match(decodeURIComponent(refused.grpcMessage ?? ''), /administrator_ids/);
  });
});
