import type { Database } from '../../../../platform/mysql/database.js';
import type { ParticipationReader } from '../runtime/participation.js';

interface ParticipationRow {
  readonly version: number;
  readonly isAdministrator: number;
  readonly isMember: number;
  readonly isDestroyed: number;
}

/** Values: account, thread. Both tables' rows are found by their primary keys. */
const findParticipation = `SELECT t.version, t.removed_at IS NOT NULL AS isDestroyed,
  p.administrator_position IS NOT NULL AS isAdministrator, p.member_position IS NOT NULL AS isMember
FROM threads t LEFT JOIN thread_participants p ON p.thread_id = t.id AND p.account_id = ?
WHERE t.id = ?`;

/** Reads the projector's tables; one statement, so that version and part belong together. */
export function mySqlParticipationReader(database: Database): ParticipationReader {
  return {
    async findParticipation(accountId, threadId) {
      const [row] = await database.rows<ParticipationRow>(findParticipation, [accountId, threadId]);
      return (
        row && {
          version: row.version,
          isAdministrator: row.isAdministrator === 1,
          isMember: row.isMember === 1,
          isDestroyed: row.isDestroyed === 1,
        }
      );
    },
  };
}
