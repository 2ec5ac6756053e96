import { contextResources } from '../rights/context-resources.js';
import {
  ACCOUNT_DATABASE,
  accountOf,
  migratorOf,
  mySqlAccountRights,
  OPERATOR_ACCOUNT,
} from '../rights/mysql-rights.js';
import { type MySqlAccount } from '../servers/mysql-accounts.js';
import { mySqlUrl } from '../servers/mysql-server.js';
import { serviceRights } from '../services.js';
import type { MeshSettings } from './mesh-settings.js';

/** The accounts of the mesh's own MySQL, with passwords, the operators' first. */
export function mySqlAccounts({ secrets }: Pick<MeshSettings, 'secrets'>): readonly [MySqlAccount, ...MySqlAccount[]] {
  const [first, ...others] = mySqlAccountRights(contextResources(), serviceRights);
  const withPassword = (rights: Omit<MySqlAccount, 'password'>): MySqlAccount => ({
    ...rights,
    password: passwordOf(secrets.mySql, rights.name),
  });
  return [withPassword(first), ...others.map(withPassword)];
}

/** Where MySQL is for operators, migrations and services, each with an account of its own; or the one of somebody else's. */
export function mySqlUrls({
  ports,
  secrets,
  mySqlUrl: external,
}: Pick<MeshSettings, 'ports' | 'secrets' | 'mySqlUrl'>): {
  readonly operator: string;
  /** What migrates a context's schema. */
  migrator(context: string): string;
  /** Undefined where it has nothing to do with MySQL. */
  service(name: string): string | undefined;
  /** People's accounts, for their service and for what migrates and looks after them. */
  readonly accounts: { readonly service: string; readonly migrator: string };
} {
  const url = (name: string, database: string): string =>
    external === undefined
      ? mySqlUrl(ports.mySql, { name, password: passwordOf(secrets.mySql, name) }, database)
      : database === ACCOUNT_DATABASE
        ? besideDatabase(external)
        : external;
  const contexts = contextResources();
  const databaseOf = (context: string): string => contexts.find(({ name }) => name === context)?.database ?? '';
  return {
    operator: url(OPERATOR_ACCOUNT, 'threadweaver'),
    migrator: (context) => url(migratorOf(context), databaseOf(context)),
    service: (name) => {
      const rights = serviceRights[name];
      if (rights === undefined || rights.part === 'command') return undefined;
      return url(accountOf(name), databaseOf(rights.context));
    },
    accounts: {
      service: url(accountOf('account'), ACCOUNT_DATABASE),
      migrator: url(migratorOf('account'), ACCOUNT_DATABASE),
    },
  };
}

/** Accounts have a database of their own beside the one that somebody has named. */
function besideDatabase(named: string): string {
  const url = new URL(named);
  url.pathname += '_account';
  return url.href;
}

/** @throws Error nobody has made one */
export function passwordOf(passwords: Readonly<Record<string, string>>, name: string): string {
  const password = passwords[name];
  if (password === undefined) throw new Error(`${name} has no password`);
  return password;
}
