import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { AddMessagesRequest } from '../gen/threadweaver/thread/v1/thread_command_service.js';
import { contractClient, failureOf, rawCall, type ContractClient } from './testing/contract-clients.js';
import { hostileRequests } from './testing/hostile-requests.js';
import { RestClient } from './testing/rest-client.js';
import { sharedMesh } from './testing/shared-mesh.js';
import { newAccount } from './testing/threads.js';

const MIB = 1024 * 1024;
const MAX_COMMAND_BYTES = 4 * MIB - 100;
const MAX_QUERY_BYTES = 64 * 1024 - 100;
const commandServices = [
  'threadweaver.thread.v1.ThreadCommandService',
  'thread.ThreadCommandService',
  'threadweaver.legacy.thread.v1.ThreadRestCommandService',
];
const queryServices = [
  'threadweaver.thread.v1.ThreadQueryService',
  'thread.ThreadQueryService',
  'threadweaver.legacy.thread.v1.ThreadRestQueryService',
];

describe('A request that is made to be dear', function () {
  this.timeout(180_000);
  const clients: ContractClient[] = [];
  after(() => clients.forEach((client) => client.close()));

  /** Makes all such requests of a service, and another call while each is handled. @returns how many */
  async function refusesAll(authority: string, service: string, size: number): Promise<number> {
    const health = contractClient('grpc.health.v1.Health', authority);
    clients.push(health);
    let count = 0;
    for (const { path, kind, bytes } of hostileRequests(service, size)) {
      const [failure, { status: ofHealth }] = await Promise.all([
        failureOf(rawCall(authority, path, bytes)),
        health.call('Check', {}),
      ]);
      assert.equal(failure.code, status.INVALID_ARGUMENT, `${path}, ${kind}: ${failure.message}`);
      assert.equal(ofHealth, 'SERVING');
      count += 1;
    }
    return count;
  }

  for (const service of commandServices) {
    it(`is refused by ${service} for less than it takes to look at one that it accepts`, async () => {
      const { port, pid = 0 } = (await sharedMesh()).process('thread-command');
      const authority = `127.0.0.1:${port}`;
      const ofLegal = await cpuTicks(pid, async () => {
        for (let times = 0; times < 5; times += 1) await failureOf(rawCall(authority, legal.path, legal.bytes));
      });
      const before = peakMemory(pid);
      let count = 0;
      const ofHostile = await cpuTicks(pid, async () => {
        count = await refusesAll(authority, service, MAX_COMMAND_BYTES);
      });
      assert.ok(count > 20, `only ${count} requests`);
      // Built, two million empty messages take some fifty times as much.
      assert.ok(
        ofHostile / count <= 2 * (ofLegal / 5) + 1,
        `${ofHostile / count} ticks, ${ofLegal / 5} for a legal one`,
      );
      // Built, half a gigabyte each.
      assert.ok(peakMemory(pid) - before < 300 * MIB, `${(peakMemory(pid) - before) / MIB} MiB more`);
    });
  }

  for (const service of queryServices) {
    it(`is refused by ${service}`, async () => {
      const authority = `127.0.0.1:${(await sharedMesh()).process('thread-query').port}`;
      assert.ok((await refusesAll(authority, service, MAX_QUERY_BYTES)) > 3);
      const [first] = hostileRequests(service, MAX_COMMAND_BYTES);
      assert.equal(
        (await failureOf(rawCall(authority, first?.path ?? '', first?.bytes ?? Buffer.alloc(0)))).code,
        status.RESOURCE_EXHAUSTED,
      );
    });
  }

  it('names the list and its bound', async () => {
    const authority = `127.0.0.1:${(await sharedMesh()).ports.envoy}`;
    const path = '/threadweaver.thread.v1.ThreadCommandService/AddMessages';
    const failure = await failureOf(rawCall(authority, path, Buffer.alloc(4_194_000, Buffer.from([0x22, 0]))));
    assert.deepEqual(failure.fields, { messages: 'must have at most 5000 entries' });
  });

  it('is a 400 of the older REST API', async () => {
    const rest = new RestClient((await sharedMesh()).url);
    const accountId = newAccount();
    const body = `{"accountId":"${accountId}","messages":[${'{},'.repeat(700_000)}{}]}`;
    const answer = await rest.post(`/v1/threads/${newAccount()}/messages/add`, body);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json, { error_messages: ['messages: must have at most 5000 entries'] });
  });
});

const account = newAccount();
/** As large as a command may be; the thread is none, so nothing comes of it. */
const legal = {
  path: '/threadweaver.thread.v1.ThreadCommandService/AddMessages',
  bytes: Buffer.from(
    AddMessagesRequest.encode({
      requestId: '',
      accountId: account,
      threadId: newAccount(),
      messages: Array.from({ length: 5_000 }, () => ({ text: '😀'.repeat(190), toAccountIds: [] })),
    }).finish(),
  ),
};

/** CPU time of a process while something is done, in ticks of 10 ms: waiting for a busy machine does not count. */
async function cpuTicks(pid: number, work: () => Promise<void>): Promise<number> {
  const before = ticksOf(pid);
  await work();
  return ticksOf(pid) - before;
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** The most memory that a process has had so far, in bytes. */
function peakMemory(pid: number): number {
  const [, kib] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1_024;
}
