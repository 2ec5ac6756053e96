import type { Migration } from '../../../../platform/mysql/migrate-database.js';
import { projectionOperations, projectionTables } from '../../../../platform/mysql/projection-tables.js';
import * as readModel from './0001-read-model.js';
import * as readSide from './0003-read-side.js';
import * as commitTimes from './0005-commit-times.js';

/** The schema's steps, the oldest first. Released ones never change: add another. */
export const migrations: readonly Migration[] = [
  { name: '0001-read-model', up: readModel.up, down: readModel.down },
  { name: '0002-projection-tables', ...projectionTables },
  { name: '0003-read-side', up: readSide.up, down: readSide.down },
  { name: '0004-projection-operations', ...projectionOperations },
  { name: '0005-commit-times', up: commitTimes.up, down: commitTimes.down },
];
