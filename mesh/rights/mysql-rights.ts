import type { MySqlAccount } from '../servers/mysql-accounts.js';
import type { ServiceRights } from '../services.js';
import type { ContextResources } from './context-resources.js';

/** Tables are made, filled, renamed, dropped, dumped and restored. */
const OWN_TABLES = 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, LOCK TABLES';

/** Whose commands look after all read models: as the one account was called that all who write shared. */
export const OPERATOR_ACCOUNT = 'threadweaver';

/** Where people's accounts lie: no context's, and nobody's but their service's and its migrations'. */
export const ACCOUNT_DATABASE = 'threadweaver_account';

/** Accounts that earlier versions have made, and that have no rights any more. */
export const FORMER_ACCOUNTS = ['threadweaver_query'];

/** An account without its password. */
export type AccountRights = Omit<MySqlAccount, 'password'>;

/** The name of a service's account. */
export function accountOf(service: string): string {
  return service.replaceAll('-', '_');
}

/** The name of the account that brings a context's schema. */
export function migratorOf(context: string): string {
  return `${context}_migrate`;
}

/**
 * The accounts of MySQL, each with what its process needs and no more: migrations make tables, a projector fills those of its context, queries read them, and
 * a command side has none. Not even the operators' sees people's accounts.
 */
export function mySqlAccountRights(
  contexts: readonly ContextResources[],
  services: ServiceRights,
): readonly [AccountRights, ...AccountRights[]] {
  const all = (database: string): string[] => [`${OWN_TABLES} ON ${quoted(database)}.*`];
  return [
    {
      name: OPERATOR_ACCOUNT,
      // The other two names are those of a rebuild.
      grants: contexts.flatMap(({ database }) =>
        [database, `${database}__rebuild`, `${database}__replaced`].flatMap(all),
      ),
    },
    ...contexts.map(({ name, database }) => ({ name: migratorOf(name), grants: all(database) })),
    ...Object.entries(services).flatMap(([service, { context, part }]) => {
      const database = contexts.find(({ name }) => name === context)?.database;
      if (database === undefined) throw new Error(`${service} belongs to ${context}, which is no context`);
      const rights = { command: undefined, projector: 'SELECT, INSERT, UPDATE, DELETE', query: 'SELECT' }[part];
      if (rights === undefined) return [];
      return [{ name: accountOf(service), grants: [`${rights} ON ${quoted(database)}.*`] }];
    }),
    {
      name: migratorOf('account'),
      grants: [`${OWN_TABLES}, REFERENCES ON ${quoted(ACCOUNT_DATABASE)}.*`],
    },
    { name: accountOf('account'), grants: [`SELECT, INSERT, UPDATE, DELETE ON ${quoted(ACCOUNT_DATABASE)}.*`] },
  ];
}

/** As in a grant, where `_` would stand for any character. */
function quoted(database: string): string {
  return `\`${database.replaceAll('_', '\\_')}\``;
}
