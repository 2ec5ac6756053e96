import type { Database } from '../../shared/adapters/mysql/database.js';
import type { ThreadVersions } from '../runtime/read-model-versions.js';

/** Asks the projector's tables. A thread's version is saved in one transaction with the rows that it stands for. */
export function mySqlThreadVersions(database: Database): ThreadVersions {
  return {
    async versionsOf(threadIds) {
      const rows = await database.rows<{ id: string; version: number }>(
        'SELECT id, version FROM threads WHERE id IN (?)',
        [threadIds],
      );
      return new Map(rows.map(({ id, version }) => [id, version]));
    },
  };
}
