import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import { migrateDatabase } from '../../../../platform/mysql/migrate-database.js';
import { protoClient, type ProtoClient } from '../../../../platform/testing/proto-client.js';
import { startMySqlServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';
import { migrations } from '../../projector/migrations/index.js';
import { queryClients } from './query-fixture.js';

const main = 'services/thread/query/main.ts';
/** Queries do not need it; a port where nobody listens. */
const noNats = { NATS_URL: 'nats://127.0.0.1:1' };

describe('thread-query as a process', function () {
  this.timeout(60_000);
  let mySql: RunningServer;
  let service: ServiceProcess;
  let clients: ReturnType<typeof queryClients>;
  let health: ProtoClient;

  before(async () => {
    mySql = await startMySqlServer();
    await migrateDatabase({ url: mySql.url, migrations, report: () => undefined });
  });
  after(() => mySql.stop());

  beforeEach(async () => {
    service = await startServiceProcess(main, { ...noNats, MYSQL_URL: mySql.url, HEALTH_CHECK_EVERY_MS: '50' });
    clients = queryClients(service.address);
    health = protoClient('grpc/health/v1/health.proto', 'grpc.health.v1.Health', service.address);
  });
  afterEach(async () => {
    clients.close();
    health.close();
    service.kill('SIGKILL');
    await service.exited;
  });

  const serving = async (): Promise<unknown> => (await health.call('Check', { service: '' })).status;
  const read = (metadata = {}) => clients.v1.call('ListThreads', { account_id: ulid() }, { metadata });

  it('serves, logs one line a call, and at SIGTERM ends with 0', async () => {
    assert.equal(await serving(), 'SERVING');
    assert.equal(
      (await health.call('Check', { service: 'threadweaver.legacy.thread.v1.ThreadRestQueryService' })).status,
      'SERVING',
    );
    await read({ 'x-request-id': 'the-one' });
    await clients.rest
      .call('GetThread', { account_id: 'x' }, { metadata: { 'x-request-id': 'the-other' } })
      .catch(() => undefined);
    service.kill('SIGTERM');
    assert.equal(await service.exited, 0);
    const lines = service.logLines.filter(({ request_id }) => request_id === 'the-one' || request_id === 'the-other');
    assert.deepEqual(
      lines.map(({ method, code }) => [method, code]),
      [
        ['/threadweaver.thread.v1.ThreadQueryService/ListThreads', 'OK'],
        ['/threadweaver.legacy.thread.v1.ThreadRestQueryService/GetThread', 'INVALID_ARGUMENT'],
      ],
    );
  });

  it('answers calls that are under way at SIGTERM', async () => {
    const calls = Array.from({ length: 50 }, () => read());
    await calls[0];
    service.kill('SIGTERM');
    await Promise.all(calls);
    assert.equal(await service.exited, 0);
  });

  it('says UNAVAILABLE while the database is away, is not healthy then, and both again afterwards', async () => {
    await read();
    await mySql.kill('SIGKILL');
    await assert.rejects(read(), (error: ServiceError) => error.code === status.UNAVAILABLE);
    await service.logLine(({ msg }) => msg === 'the database does not answer');
    assert.equal(await serving(), 'NOT_SERVING');
    const before = service.logLines.length;
    await mySql.restart();
    await service.logLine((line) => line.msg === 'the database answers' && service.logLines.indexOf(line) >= before);
    assert.equal(await serving(), 'SERVING');
    await read();
  });

  it('says UNAVAILABLE while the database hangs, and then asks it no more', async () => {
    await read();
    await mySql.kill('SIGSTOP');
    try {
      await assert.rejects(
        clients.v1.call('ListThreads', { account_id: ulid() }, { timeoutMs: Infinity }),
        (error: ServiceError) => error.code === status.UNAVAILABLE,
      );
      // Once that is known, nobody waits for it any more: less than a statement may take.
      await service.logLine(({ msg }) => msg === 'the database does not answer');
      await Promise.all(Array.from({ length: 20 }, () => assert.rejects(read(), /unavailable/)));
    } finally {
      await mySql.kill('SIGCONT');
    }
    await service.logLine((line) => line.msg === 'the database answers');
  });

  it('starts without a database, and serves once it is there', async () => {
    await mySql.kill('SIGKILL');
    const early = await startServiceProcess(main, { ...noNats, MYSQL_URL: mySql.url, HEALTH_CHECK_EVERY_MS: '50' });
    try {
      await early.logLine(({ msg }) => msg === 'the database does not answer');
      await mySql.restart();
      await early.logLine(({ msg }) => msg === 'the database answers');
      early.kill('SIGTERM');
      assert.equal(await early.exited, 0);
    } finally {
      early.kill('SIGKILL');
    }
  });
});
