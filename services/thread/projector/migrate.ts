import { parseArgs } from 'node:util';
import { toError } from '../../../platform/kernel/fault.js';
import { migrateDatabase, waitForMigrations } from '../../../platform/mysql/migrate-database.js';
import { readMigrateConfig } from './config.js';
import { migrationsOf } from '../../../platform/mysql/projection-tables.js';
import { threadsProjection } from './projection.js';

// Brings the database of MYSQL_URL to the newest schema; with --wait, leaves that to another run and waits for it.
// Exits with 0 when it is there, 1 when not.
try {
  const { wait } = parseArgs({ options: { wait: { type: 'boolean', default: false } } }).values;
  const { mysqlUrl: url, waitMs } = readMigrateConfig();
  await (wait ? waitForMigrations : migrateDatabase)({
    url,
    migrations: migrationsOf(threadsProjection),
    waitMs,
    report: (message) => process.stdout.write(`migrate: ${message}\n`),
  });
} catch (error) {
  process.stderr.write(`migrate: failed: ${toError(error).message}\n`);
  process.exitCode = 1;
}
