import type { Migration } from '../../../platform/mysql/migrate-database.js';
import * as accounts from './0001-accounts.js';

/** The schema's steps, the oldest first. Released ones never change: add another. */
export const migrations: readonly Migration[] = [
  { name: 'account/0001-accounts', up: accounts.up, down: accounts.down },
];
