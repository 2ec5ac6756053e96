import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { protoClient, type ProtoClient } from '../../../../platform/testing/proto-client.js';
import { freePort, startNatsServer, type RunningServer } from '../../../../mesh/servers/index.js';
import { spawnCommand } from '../../../../platform/testing/command-process.js';
import { startServiceProcess, type ServiceProcess } from '../../../../platform/testing/service-process.js';

const account = ulid();
const creation = { account_id: account, title: 'a thread', administrator_ids: [account], member_ids: [] };

describe('the thread-command process', function () {
  this.timeout(60_000);
  let nats: RunningServer;
  let service: ServiceProcess;
  let commands: ProtoClient;

  async function startService(env: Record<string, string> = {}): Promise<void> {
    service = await startServiceProcess('services/thread/command/main.ts', { NATS_URL: nats.url, ...env });
    commands = protoClient(
      'threadweaver/thread/v1/thread_command_service.proto',
      'threadweaver.thread.v1.ThreadCommandService',
      service.address,
    );
  }

  async function create(): Promise<string> {
    return String((await commands.call('CreateThread', creation)).thread_id);
  }

  before(async () => {
    nats = await startNatsServer();
  });
  after(() => nats.stop());
  beforeEach(() => startService());
  afterEach(async () => {
    commands.close();
    service.kill('SIGKILL');
    await service.exited;
  });

  it('remembers, after kill -9, what it acknowledged, and answers repeats as the first time', async () => {
    const request = { ...creation, request_id: 'create-1' };
    const created = await commands.call('CreateThread', request);
    const post = {
      request_id: 'post-1',
      account_id: account,
      thread_id: created.thread_id,
      messages: [{ text: 'hi' }],
    };
    const posted = await commands.call('AddMessages', post);
    service.kill('SIGKILL');
    await service.exited;
    commands.close();
    await startService();
    assert.deepEqual(await commands.call('AddMessages', post), posted);
    assert.deepEqual(await commands.call('CreateThread', request), created);
    const next = await commands.call('AddMessages', { ...post, request_id: 'post-2' });
    assert.equal(next.version, '3');
  });

  it('rejects again, after kill -9, what it has rejected, though it could take it by now', async () => {
    const [thread_id, guest] = [await create(), ulid()];
    const post = { request_id: 'too-early', account_id: guest, thread_id, messages: [{ text: 'hi' }] };
    const refused = ({ code }: { code: status }): boolean => code === status.PERMISSION_DENIED;
    await assert.rejects(commands.call('AddMessages', post), refused);
    service.kill('SIGKILL');
    await service.exited;
    commands.close();
    await startService();
    await commands.call('JoinMemberIds', { account_id: account, thread_id, member_ids: [guest] });
    await assert.rejects(commands.call('AddMessages', post), refused);
    await commands.call('AddMessages', { ...post, request_id: 'later' });
  });

  it('drains on SIGTERM: answers what it has begun, takes no more, exits with 0', async () => {
    const thread_id = await create();
    const calls = Array.from({ length: 200 }, (_, index) =>
      commands.call('AddMessages', { account_id: account, thread_id, messages: [{ text: `${index}` }] }).then(
        () => 'answered',
        (error: { code: status }) => status[error.code],
      ),
    );
    await Promise.race(calls);
    service.kill('SIGTERM');
    const outcomes = await Promise.all(calls);
    assert.equal(await service.exited, 0);
    assert.deepEqual(
      [...new Set(outcomes)].filter((outcome) => outcome !== 'UNAVAILABLE'),
      ['answered'],
    );
    const answered = outcomes.filter((outcome) => outcome === 'answered').length;
    commands.close();
    await startService();
    const [next] = [
      await commands.call('AddMessages', { account_id: account, thread_id, messages: [{ text: 'last' }] }),
    ];
    assert.ok(Number(next.version) >= answered + 2, 'what was answered is in the journal');
  });

  it('carries commands on over a restart of NATS that is killed, without the caller noticing', async () => {
    const thread_id = await create();
    const calls = Array.from({ length: 50 }, (_, index) =>
      commands.call('AddMessages', { account_id: account, thread_id, messages: [{ text: `${index}` }] }),
    );
    await Promise.race(calls);
    await nats.kill('SIGKILL');
    await nats.restart();
    await Promise.all(calls);
    const last = await commands.call('AddMessages', { account_id: account, thread_id, messages: [{ text: 'last' }] });
    assert.equal(last.version, '52');
  });

  it('says UNAVAILABLE at the deadline and NOT_SERVING while NATS is away, and serves again afterwards', async () => {
    const thread_id = await create();
    const health = protoClient('grpc/health/v1/health.proto', 'grpc.health.v1.Health', service.address);
    assert.equal((await health.call('Check', {})).status, 'SERVING');
    await nats.kill('SIGKILL');
    try {
      await service.logLine(({ msg }) => msg === 'NATS is lost');
      assert.equal((await health.call('Check', {})).status, 'NOT_SERVING');
      // A restart would not bring NATS back.
      assert.equal((await health.call('Check', { service: 'liveness' })).status, 'SERVING');
      const call = commands.call('DestroyThread', { account_id: account, thread_id }, { timeoutMs: 500 });
      await assert.rejects(call, ({ code }: { code: status }) =>
        [status.UNAVAILABLE, status.DEADLINE_EXCEEDED].includes(code),
      );
    } finally {
      await nats.restart();
    }
    await service.logLine(({ msg }) => msg === 'NATS is back');
    assert.equal((await health.call('Check', {})).status, 'SERVING');
    assert.ok(await create());
    health.close();
  });

  it('writes one line a call, with the request id and the trace id that came with it', async () => {
    const traceparent = `00-${'1234'.repeat(8)}-${'ab'.repeat(8)}-01`;
    await commands.call('CreateThread', creation, { metadata: { 'x-request-id': 'find-me', traceparent } });
    await service.logLine(({ msg, request_id }) => msg === 'call' && request_id === 'find-me');
    const lines = service.logLines.filter(({ request_id }) => request_id === 'find-me');
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['committed', 'call'],
    );
    assert.ok(lines.every(({ trace_id }) => trace_id === '1234'.repeat(8)));
    assert.equal(lines[1]?.code, 'OK');
  });

  it('tells its log of a header that it cannot take, but not what is in it', async () => {
    const session = connect(`http://${service.address}`);
    const secrets = { cookie: 'session=s3cr3t-\u00e9', authorization: 'Bearer t0k3n-\u00e9' };
    const path = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check' };
    const headers = { ...path, 'content-type': 'application/grpc', te: 'trailers', ...secrets };
    const request = session.request(headers);
    request.end(Buffer.alloc(5));
    request.resume();
    await once(request, 'end');
    session.destroy();
    for (const name of Object.keys(secrets)) {
      const line = await service.logLine(({ header }) => header === name);
      assert.equal(line.msg, 'a header that gRPC does not take is passed over');
    }
    assert.doesNotMatch(JSON.stringify(service.logLines), /s3cr3t|t0k3n/);
  });

  it('refuses a new thread when the journal is full, and warns', async () => {
    commands.close();
    service.kill('SIGTERM');
    await service.exited;
    await startService({ JOURNAL_MAX_STREAMS: '1' });
    await assert.rejects(create(), (error: { code: status; details: string }) => {
      assert.equal(error.code, status.RESOURCE_EXHAUSTED);
      return true;
    });
  });

  it('exits with 0 on SIGTERM even while it waits for NATS', async () => {
    const env = { NATS_URL: `nats://127.0.0.1:${await freePort()}`, GRPC_PORT: '0' };
    const child = spawnCommand('services/thread/command/main.ts', [], env);
    assert.ok(child.stdout);
    // It says so itself that it waits, and then can be asked to stop.
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('says which setting is wrong and exits with 1', async () => {
    await assert.rejects(
      startServiceProcess('services/thread/command/main.ts', { NATS_URL: nats.url, PASSIVATE_AFTER_MS: 'soon' }),
    );
  });
});
