import type { Database } from '../../../../platform/mysql/database.js';
import type { AggregateVersions } from '../../../../platform/queries/read-model-versions.js';

/** Values: pairs of thread and account. */
export const findVersions = `SELECT viewer.thread_id AS threadId, viewer.account_id AS accountId, t.version
FROM thread_participants viewer FORCE INDEX (PRIMARY) JOIN threads t ON t.id = viewer.thread_id
WHERE (viewer.thread_id, viewer.account_id) IN (?)`;

interface VersionRow {
  readonly threadId: string;
  readonly accountId: string;
  readonly version: number;
}

/** Asks the projector's tables. A thread's version is saved in one transaction with the rows that it stands for. */
export function mySqlThreadVersions(database: Database): AggregateVersions {
  return {
    async versionsOf(threads) {
      const pairs = threads.map(({ aggregateId, accountId }) => [aggregateId, accountId]);
      const rows = await database.rows<VersionRow>(findVersions, [pairs]);
      const versions = new Map(rows.map(({ threadId, accountId, version }) => [`${threadId}/${accountId}`, version]));
      return threads.map(({ aggregateId, accountId }) => versions.get(`${aggregateId}/${accountId}`));
    },
  };
}
