import assert from 'node:assert/strict';
import { status, type ServiceError } from '@grpc/grpc-js';
import { ulid } from 'ulid';
import { errorDetails } from '../../../../platform/testing/error-info.js';
import type { ProtoClient } from '../../../../platform/testing/proto-client.js';
import { commitOf, messagesAdded, threadCreated } from '../../projector/test/projection-fixture.js';
import { openQueries, type Queries } from './query-fixture.js';

const admin = ulid();

/** Every thread-scoped query of every API, by what its requests need. */
const apis = {
  v1: ['GetThread', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages', 'GetReadState', 'ListChildThreads'],
} as const;

describe('min_version', () => {
  let queries: Queries;
  before(async () => (queries = await openQueries({ minVersionWaitMs: 300 })));
  after(() => queries.close());

  const created = (thread: string) =>
    commitOf(thread, 1, threadCreated(thread, { creatorId: admin, memberIds: [admin] }));
  const posted = (thread: string, version: number) => commitOf(thread, version, messagesAdded(admin, [{ id: ulid() }]));

  async function errorOf(call: Promise<unknown>): Promise<ServiceError> {
    return call.then(
      (response) => assert.fail(`answered ${JSON.stringify(response)}`),
      (error: unknown) => error as ServiceError,
    );
  }
  async function waiting(count: number): Promise<void> {
    while (queries.versions.waiting !== count) await new Promise((resolve) => setImmediate(resolve));
  }

  for (const method of apis.v1) {
    it(`${method} waits for a thread that the read model does not have yet, and for a later version of it`, async () => {
      const thread = ulid();
      const request = { account_id: admin, thread_id: thread.toLowerCase() };
      for (const version of [1, 2]) {
        const byField = queries.v1.call(method, { ...request, min_version: version });
        const byHeader = queries.v1.call(method, request, { metadata: { 'x-min-version': `${version}` } });
        await waiting(2);
        await queries.model.save(version === 1 ? created(thread) : posted(thread, version));
        assert.deepEqual(await byField, await byHeader);
      }
    });
  }

  it('is taken by the older APIs as metadata', async () => {
    const calls: [ProtoClient, string][] = [
      ...['GetThread', 'ListAdministratorIds', 'ListMemberIds', 'ListMessages'].map((method): [ProtoClient, string] => [
        queries.rest,
        method,
      ]),
      [queries.legacy, 'GetThread'],
      [queries.legacy, 'GetMessages'],
    ];
    for (const [client, method] of calls) {
      const thread = ulid();
      const call = client.call(
        method,
        { account_id: admin, thread_id: thread },
        { metadata: { 'x-min-version': '2' }, timeoutMs: Infinity },
      );
      await waiting(1);
      await queries.model.save(created(thread), posted(thread, 2));
      const found = JSON.stringify(await call);
      assert.ok(found.includes('"error_messages":[]'), found);
      assert.ok(found.includes(thread) || found.includes(admin), found);
    }
  });

  it('waits up to the caller’s deadline, without one up to the setting, and then says how far the read model is', async () => {
    const thread = ulid();
    await queries.model.save(created(thread));
    const request = { account_id: admin, thread_id: thread, min_version: 9 };
    for (const [timeoutMs, leastMs] of [
      [3_000, 2_000],
      [Infinity, 250],
    ] as const) {
      const startedAt = performance.now();
      const error = await errorOf(queries.v1.call('GetThread', request, { timeoutMs }));
      assert.ok(performance.now() - startedAt >= leastMs);
      assert.equal(error.code, status.DEADLINE_EXCEEDED);
      const { reason, metadata } = errorDetails(error);
      assert.equal(reason, 'READ_MODEL_BEHIND');
      assert.deepEqual(metadata, { thread_id: thread, wanted_version: '9', actual_version: '1' });
    }
    const stranger = await errorOf(
      queries.v1.call('GetThread', { ...request, account_id: ulid() }, { timeoutMs: Infinity }),
    );
    assert.equal(errorDetails(stranger).metadata.actual_version, '0');
    assert.equal(queries.versions.waiting, 0);
  });

  it('tells a stranger nothing: neither that a thread is there, nor its version, nor that something happens in it', async () => {
    const [thread, missing] = [ulid(), ulid()];
    await queries.model.save(created(thread), posted(thread, 2));
    const account_id = ulid();
    for (const method of apis.v1) {
      for (const min_version of [1, 2, 3]) {
        const of = (thread_id: string) =>
          errorOf(queries.v1.call(method, { account_id, thread_id, min_version }, { timeoutMs: Infinity }));
        const [foreign, none] = await Promise.all([of(thread), of(missing)]);
        assert.equal(foreign.code, none.code);
        assert.equal(foreign.details, none.details);
        const [told, ofNone] = [errorDetails(foreign), errorDetails(none)];
        assert.deepEqual({ ...told.metadata, thread_id: missing }, ofNone.metadata);
        assert.equal(told.reason, ofNone.reason);
      }
    }
    const call = errorOf(
      queries.v1.call('GetThread', { account_id, thread_id: thread, min_version: 3 }, { timeoutMs: Infinity }),
    );
    await waiting(1);
    await queries.model.save(posted(thread, 3));
    assert.equal((await call).code, status.DEADLINE_EXCEEDED);
  });

  it('leaves nothing behind when the caller goes', async () => {
    const request = { account_id: admin, thread_id: ulid(), min_version: 1 };
    const error = await errorOf(queries.v1.call('GetThread', request, { timeoutMs: 50 }));
    assert.equal(error.code, status.DEADLINE_EXCEEDED);
    await waiting(0);
  });

  it('waits for nothing where none is asked for, nor where the rest of the request is wrong', async () => {
    const request = { account_id: admin, thread_id: ulid() };
    for (const metadata of [{}, { 'x-min-version': '0' }] as Record<string, string>[]) {
      const error = await errorOf(queries.v1.call('GetThread', request, { metadata, timeoutMs: Infinity }));
      assert.equal(error.code, status.NOT_FOUND);
    }
    const wrong = await errorOf(
      queries.v1.call('GetThread', { account_id: 'x', thread_id: 'y', min_version: 5 }, { timeoutMs: Infinity }),
    );
    assert.deepEqual(errorDetails(wrong).fields, ['account_id', 'thread_id']);
    await queries.v1.call('ListThreads', { account_id: admin }, { metadata: { 'x-min-version': '99' } });
  });

  const hostile = ['', '-1', '1.5', '1e3', '0x10', '9007199254740992', '99999999999999999999', '1, 2', '1;DROP', 'NaN'];
  for (const value of hostile) {
    it(`refuses ${JSON.stringify(value)} in each API’s own way`, async () => {
      const request = { account_id: 'x', thread_id: ulid() };
      const options = { metadata: { 'x-min-version': value } };
      const v1 = await errorOf(queries.v1.call('ListMessages', request, options));
      assert.equal(v1.code, status.INVALID_ARGUMENT);
      assert.deepEqual(errorDetails(v1).fields, ['account_id', 'x-min-version']);
      const rest = await errorOf(queries.rest.call('ListMessages', request, options));
      assert.equal(rest.code, status.INVALID_ARGUMENT);
      assert.match(rest.details, /^account_id: .*\nx-min-version: must be [^\n]*$/);
      for (const method of ['GetThread', 'GetMessages']) {
        const legacy = await queries.legacy.call(method, { ...request, account_id: admin }, options);
        assert.equal(legacy.is_successful, false);
        assert.match((legacy.error_messages as string[]).join(), /^x-min-version: must be/);
      }
    });
  }

  it('refuses a negative field', async () => {
    const request = { account_id: admin, thread_id: ulid(), min_version: -1 };
    assert.deepEqual(errorDetails(await errorOf(queries.v1.call('GetThread', request))).fields, ['min_version']);
  });
});
