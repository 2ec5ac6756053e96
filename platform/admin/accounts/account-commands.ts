import { randomBytes } from 'node:crypto';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Migration } from '../../mysql/migrate-database.js';
import type { AdminTask, Ask } from '../command-line/admin-task.js';
import { readAccountSettings } from '../command-line/config.js';
import { addMigrateCommand } from '../command-line/migrate-command.js';

/** An administrator to be. */
export interface NewAdministrator {
  readonly email: string;
  readonly name: string;
  readonly password: string;
}

/** People's accounts as operators look after them. */
export interface AdministeredAccounts {
  readonly migrations: readonly Migration[];
  /**
   * @param url of their database
   * @returns the account's id
   * @throws Fault, InvalidRequest
   */
  createAdministrator(url: string, administrator: NewAdministrator): Promise<string>;
}

const PREFIX = 'npm run admin -- account';

/** `admin account migrate` and `admin account create-administrator`. */
export function addAccountCommands(parent: Command, accounts: AdministeredAccounts, ask: Ask): void {
  addMigrateCommand(
    parent,
    {
      description: 'bring the database of ACCOUNT_MYSQL_URL to the newest schema',
      migrations: () => accounts.migrations,
      readSettings() {
        const { accountMysqlUrl: url, waitMs } = readAccountSettings();
        return { url, waitMs };
      },
    },
    ask,
  );
  parent
    .command('create-administrator')
    .description('make an account that also looks after the installation')
    .requiredOption('--email <address>', 'its e-mail address')
    .option('--name <name>', 'its name', 'Administrator')
    .option('--password-stdin', 'its password is what stdin has, which no list of processes shows; else one is made')
    .addHelpText('after', `\nExample:\n  ${PREFIX} create-administrator --email ops@example.com`)
    .action((options: CreateOptions, command: Command) => ask(command, createTask(accounts, options)));
}

interface CreateOptions {
  readonly email: string;
  readonly name: string;
  readonly passwordStdin?: true;
}

function createTask(accounts: AdministeredAccounts, { email, name, passwordStdin }: CreateOptions): AdminTask {
  return {
    name: 'account',
    request: { kind: 'create-administrator', email, name },
    async run({ say }) {
      const isGiven = passwordStdin === true;
      const password = isGiven
        ? (await readAll(process.stdin)).replace(/\r?\n$/, '')
        : randomBytes(18).toString('base64url');
      const id = await accounts.createAdministrator(readAccountSettings().accountMysqlUrl, { email, name, password });
      say(`administrator ${id}`);
      if (!isGiven) say(`password ${password}`);
      return { code: 0, data: { accountId: id, email, ...(!isGiven && { password }) } };
    },
  };
}
