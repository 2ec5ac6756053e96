import { toError } from '../shared/kernel/fault.js';
import { migrateDatabase } from '../shared/adapters/mysql/migrate-database.js';
import { readMigrateConfig } from './config.js';
import { migrations } from './migrations/index.js';

// Brings the database of MYSQL_URL to the newest schema. Exits with 0 when it is there, 1 when not.
try {
  const { mysqlUrl: url, waitMs } = readMigrateConfig();
  await migrateDatabase({
    url,
    migrations,
    waitMs,
    report: (message) => process.stdout.write(`migrate: ${message}\n`),
  });
} catch (error) {
  process.stderr.write(`migrate: failed: ${toError(error).message}\n`);
  process.exitCode = 1;
}
