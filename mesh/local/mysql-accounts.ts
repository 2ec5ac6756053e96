import { type MySqlAccount } from '../servers/mysql-accounts.js';
import { mySqlUrl } from '../servers/mysql-server.js';
import type { MeshSettings } from './mesh-settings.js';

/** The database of the read model. */
const DATABASE = 'threadweaver';

/** Tables are made, filled, renamed, dropped, dumped and restored; the other two names are those of a rebuild. */
const OWN_TABLES = 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES';
const OWN_DATABASES = [DATABASE, `${DATABASE}\\_\\_rebuild`, `${DATABASE}\\_\\_replaced`];

/** An account, and where it finds its database. */
export interface AccountWithUrl extends MySqlAccount {
  readonly url: string;
}

/** Who may do what in the mesh's own MySQL: each no more than its service needs. */
export function mySqlAccounts({ ports, secrets }: Pick<MeshSettings, 'ports' | 'secrets'>): {
  /** Of thread-projector, its migrations and its commands. */
  readonly projector: AccountWithUrl;
  /** Of thread-query, which only reads. */
  readonly query: AccountWithUrl;
} {
  const account = (name: string, password: string, grants: readonly string[]): AccountWithUrl => {
    const plain = { name, password, grants };
    return { ...plain, url: mySqlUrl(ports.mySql, plain, DATABASE) };
  };
  return {
    projector: account(
      'threadweaver',
      secrets.mySqlProjector,
      OWN_DATABASES.map((database) => `${OWN_TABLES} ON \`${database}\`.*`),
    ),
    query: account('threadweaver_query', secrets.mySqlQuery, [`SELECT ON \`${DATABASE}\`.*`]),
  };
}
