import type { ProjectionDeclaration } from '../../../platform/mysql/projection-declaration.js';
import { explainedThreadRows } from './adapters/explain-thread-rows.js';
import { mySqlThreadRows } from './adapters/mysql-thread-rows.js';
import { migrations } from './migrations/index.js';

/** What is projected of threads. */
export const threadsProjection: ProjectionDeclaration = {
  name: 'threads',
  // It was there before a database could have several.
  namespace: '',
  tables: ['threads', 'thread_participants', 'messages', 'message_reactions', 'read_marks'],
  rows: mySqlThreadRows,
  explained: explainedThreadRows,
  migrations,
};
