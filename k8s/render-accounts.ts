import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseEnv } from 'node:util';
import { contextResources } from '../mesh/rights/context-resources.js';
import { mySqlAccountRights, OPERATOR_ACCOUNT } from '../mesh/rights/mysql-rights.js';
import { natsUsers, OPERATOR } from '../mesh/rights/nats-rights.js';
import { grantStatement } from '../mesh/servers/mysql-accounts.js';
import { authorizationText } from '../mesh/servers/nats-users.js';
import { serviceRights } from '../mesh/services.js';
import { installation } from '../platform/composition/backend-settings.js';
import { projectRoot } from '../platform/process/project-root.js';

const base = join(projectRoot, 'k8s', 'base');
/** What is rendered here, from mesh/rights. */
export const natsUsersFile = join(base, 'nats-users.conf');
export const mySqlAccountsFile = join(projectRoot, 'k8s', 'components', 'mysql', 'accounts.sh');

/** The variable with a user's or an account's password, which comes from the Secret. */
export function passwordVariable(user: string): string {
  return user === OPERATOR ? 'NATS_PASSWORD' : `${user.replaceAll('-', '_').toUpperCase()}_PASSWORD`;
}

/** The users of NATS in Kubernetes: the same as of the local mesh, for the journal's layout there. */
export function kubernetesNatsUsers(): string {
  const environment = parseEnv(readFileSync(join(base, 'installation.env'), 'utf8'));
  const { journalLayout: layout, journalBuckets: buckets } = installation.read(environment);
  const users = natsUsers(contextResources({ layout, buckets }), serviceRights);
  return `# Rendered from mesh/rights by \`npm run gen\`; the passwords come from the Secret "nats".\n${authorizationText(users, (user) => `$${passwordVariable(user)}`)}\n`;
}

/** What makes the accounts of MySQL, or gives those that are there their rights; the operators' is the server's own `MYSQL_USER`. */
export function kubernetesMySqlAccounts(): string {
  const statements = mySqlAccountRights(contextResources(), serviceRights).flatMap(({ name, grants }) => {
    const account = `'${name}'@'%'`;
    const password = `'$${passwordVariable(name)}'`;
    return [
      ...(name === OPERATOR_ACCOUNT
        ? []
        : [
            `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ${password}`,
            `ALTER USER ${account} IDENTIFIED BY ${password}`,
          ]),
      `REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${account}`,
      ...grants.map((grant) => grantStatement(grant, account)),
    ];
  });
  return [
    '#!/bin/bash',
    '# Rendered from mesh/rights by `npm run gen`. Run once, when the data directory is made; to be run again by hand after a',
    '# change (docs/operations.md): what is there gets these passwords and rights.',
    'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --user=root <<SQL',
    // In a shell's document a backtick would run a command, and a backslash before one goes.
    ...statements.map((statement) => `${statement.replaceAll('\\', '\\\\').replaceAll('`', '\\`')};`),
    'SQL',
    '',
  ].join('\n');
}

// Without `await`: tests could not `require` this module, and would get a second copy of all that it imports.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(natsUsersFile, kubernetesNatsUsers());
  writeFileSync(mySqlAccountsFile, kubernetesMySqlAccounts(), { mode: 0o755 });
}
