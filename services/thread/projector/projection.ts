import type { ProjectionDeclaration } from '../../../platform/mysql/projection-declaration.js';
import { mySqlThreadRows } from './adapters/mysql-thread-rows.js';
import { migrations } from './migrations/index.js';

/** What is projected of threads. */
export const threadsProjection: ProjectionDeclaration = { name: 'threads', rows: mySqlThreadRows, migrations };
