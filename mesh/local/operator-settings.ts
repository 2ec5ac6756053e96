import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KEY_RING_FILE } from '../../platform/identity/key-ring-file.js';
import { LOCAL_SETTINGS_FILE } from '../../platform/process/local-installation.js';
import { OPERATOR } from '../rights/nats-rights.js';
import type { MeshSettings } from './mesh-settings.js';
import { natsComponents } from './nats-components.js';
import { mySqlAccounts, mySqlUrls } from './mysql-accounts.js';

/** For `mariadb --defaults-file=…` and `mysql --defaults-file=…`. */
const MYSQL_CLIENT_FILE = 'mysql.cnf';

/**
 * Writes down where the mesh's own servers are, and who may come, for its user alone: for our command lines, for a
 * shell, and for MySQL's client.
 */
export function writeOperatorSettings(settings: MeshSettings): void {
  const { dataDir, ports, mySqlUrl, natsUrl } = settings;
  const [operator] = mySqlAccounts(settings);
  const variables = {
    ...(natsUrl === undefined ? natsComponents(settings).environmentOf(OPERATOR) : {}),
    ...(mySqlUrl === undefined ? { MYSQL_URL: mySqlUrls(settings).operator } : {}),
    ACCOUNT_MYSQL_URL: mySqlUrls(settings).accounts.migrator,
    KEY_RING_FILE: join(resolve(dataDir), KEY_RING_FILE),
    OWNERSHIP_ADDRESS: `127.0.0.1:${ports.threadCommandAdmin}`,
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  writePrivately(join(dataDir, LOCAL_SETTINGS_FILE), lines.join(''));
  writePrivately(
    join(dataDir, MYSQL_CLIENT_FILE),
    [
      '[client]',
      ...['host=127.0.0.1', `port=${ports.mySql}`, `user=${operator.name}`, `password=${operator.password}`],
      '[mysql]',
      'database=threadweaver',
      '',
    ].join('\n'),
  );
}

function writePrivately(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}
