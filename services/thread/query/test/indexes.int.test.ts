import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ulid } from 'ulid';
import type { SqlValue } from '../../../../platform/mysql/database.js';
import {
  commitOf,
  messagesAdded,
  openReadModel,
  threadCreated,
  type ReadModel,
} from '../../projector/test/projection-fixture.js';
import { findVersions } from '../adapters/mysql-thread-versions.js';
import * as statements from '../adapters/thread-statements.js';
import { assertServed, explainPlan } from './plans.js';

describe('indexes of the queries', () => {
  let model: ReadModel;
  const account = ulid();
  const thread = ulid();

  before(async function () {
    this.timeout(60_000);
    model = await openReadModel();
    const others = Array.from({ length: 300 }, () => ulid());
    // The account in 1,000 threads among 3,000; its thread of 2,000 messages and 300 accounts among many.
    for (let start = 0; start < 3_000; start += 500) {
      const created = Array.from({ length: 500 }, (_, index) => {
        const id = ulid();
        const creatorId = index % 3 === 0 ? account : (others[index % 300] as string);
        return commitOf(
          id,
          1,
          threadCreated(id, { creatorId, memberIds: others.slice(0, 3), occurredAt: start + index }),
        );
      });
      await model.save(...created);
      await model.save(
        ...created
          .slice(0, 50)
          .map(({ aggregateId }) => commitOf(aggregateId, 2, messagesAdded(account, [{ id: ulid() }]))),
      );
    }
    await model.save(
      commitOf(
        thread,
        1,
        threadCreated(thread, { creatorId: account, administratorIds: [account, ...others], memberIds: others }),
      ),
      commitOf(
        thread,
        2,
        messagesAdded(
          account,
          Array.from({ length: 2_000 }, () => ({ id: ulid() })),
        ),
      ),
    );
    await model.database.rows('ANALYZE TABLE threads, thread_participants, messages');
  });
  after(() => model.close());

  const explain = (sql: string, values: SqlValue[]) => explainPlan(model, sql, values);

  it('findThread: two rows by their keys', async () => {
    assertServed(await explain(statements.findThread, [thread, account]), { viewer: 'PRIMARY', t: 'PRIMARY' });
  });

  it('findThreads: as findThread for each, without a temporary table', async () => {
    const plans = await explain(statements.findThreads(3), [
      0,
      thread,
      account,
      1,
      thread,
      account,
      2,
      thread,
      account,
    ]);
    const tables = plans.filter(({ table }) => !table?.startsWith('<union'));
    for (let index = 0; index < 6; index += 2) {
      assertServed(tables.slice(index, index + 2), { viewer: 'PRIMARY', t: 'PRIMARY' });
    }
    assert.equal(tables.length, 6);
    assert.deepEqual(
      plans.filter(({ table }) => table?.startsWith('<union')).filter(({ Extra }) => /temporary/i.test(Extra ?? '')),
      [],
    );
  });

  it('findVersions: two rows by their keys for each', async () => {
    const pairs = [thread, ulid(), ulid()].map((id) => [id, account]);
    const sql = findVersions.replace('(?)', `(${pairs.map(() => '(?, ?)').join(', ')})`);
    assertServed(await explain(sql, pairs.flat()), { viewer: 'PRIMARY', t: 'PRIMARY' });
  });

  it('findViewer: one row by its key', async () => {
    assertServed(await explain(statements.findViewer, [thread, account]), { thread_participants: 'PRIMARY' });
  });

  for (const [page, values] of [
    ['first page', [-1, -1, '']],
    ['later page', [1_500, 1_500, ulid()]],
  ] as const) {
    it(`listThreads, ${page}: in the order of the account's index`, async () => {
      const plans = await explain(statements.listThreads, [account, ...values, 101, 0]);
      assertServed(plans, { viewer: 'threads_of_account', t: 'PRIMARY' });
    });
  }

  for (const [name, statement, table, key] of [
    ['listAdministratorIds', statements.listAdministratorIds, 'p', 'administrators_of_thread'],
    ['listMemberIds', statements.listMemberIds, 'p', 'members_of_thread'],
    ['listMessages', statements.listMessages, 'm', 'PRIMARY'],
  ] as const) {
    for (const [page, after] of [
      ['first page', -1],
      ['later page', 2_097_200],
    ] as const) {
      it(`${name}, ${page}: in the order of the thread's index`, async () => {
        const plans = await explain(statement, [after, thread, account, 101, 0]);
        assertServed(plans, { viewer: 'PRIMARY', [table]: key });
      });
    }
  }
});
