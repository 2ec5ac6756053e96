import { randomBytes } from 'node:crypto';

/** An account of a MySQL server, from loopback only. */
export interface MySqlAccount {
  readonly name: string;
  /** Letters, digits, `-` and `_`. */
  readonly password: string;
  /** What it may do, such as `SELECT ON threadweaver.*`. */
  readonly grants: readonly string[];
}

/** 192 bits that need no quotes anywhere. */
export function randomPassword(): string {
  return randomBytes(24).toString('base64url');
}

// Where MariaDB keeps accounts. Roles have no password because nobody logs in as one; mariadb.sys is locked.
const REMOVE_THOSE_WITHOUT_PASSWORD =
  "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND JSON_VALUE(Priv, '$.is_role') IS NULL" +
  " AND COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') = ''" +
  " AND COALESCE(JSON_VALUE(Priv, '$.plugin'), '') IN ('', 'mysql_native_password')";

/**
 * SQL that a server runs before it listens, a statement a line. Whatever accounts there were before: then root has that
 * password, each of `accounts` exactly those grants, and nobody comes in without a password.
 */
export function accountStatements(
  rootPassword: string,
  accounts: readonly MySqlAccount[],
  isMariaDb: boolean,
): string[] {
  return [
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${rootPassword}'`,
    ...accounts.flatMap(({ name, password, grants }) => {
      const account = `'${name}'@'127.0.0.1'`;
      return [
        `DROP USER IF EXISTS '${name}'@'localhost'`,
        `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}'`,
        `ALTER USER ${account} IDENTIFIED BY '${password}'`,
        `REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${account}`,
        ...grants.map((grant) => grantStatement(grant, account)),
      ];
    }),
    ...(isMariaDb ? [REMOVE_THOSE_WITHOUT_PASSWORD, 'FLUSH PRIVILEGES'] : []),
  ];
}

/** A right as a statement. `… WITH GRANT OPTION` stands behind the account. */
export function grantStatement(grant: string, account: string): string {
  const [, what = grant, option = ''] = /^(.*?)( WITH GRANT OPTION)?$/.exec(grant) ?? [];
  return `GRANT ${what} TO ${account}${option}`;
}
