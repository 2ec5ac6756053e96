import type { Command } from 'commander';
import { migrateDatabase, waitForMigrations, type Migration } from '../../mysql/migrate-database.js';
import type { Ask } from './admin-task.js';

/** What is brought to the newest schema. */
export interface Migrated {
  readonly description: string;
  /** Asked once the command is read. */
  migrations(): readonly Migration[];
  /** @throws Fault reason INVALID_SETTING */
  readSettings(): { readonly url: string; readonly waitMs: number };
}

/** `migrate` of a group. */
export function addMigrateCommand(group: Command, { description, ...migrated }: Migrated, ask: Ask): void {
  group
    .command('migrate')
    .description(description)
    .option('--wait', 'leave that to another run and wait for it, for MIGRATE_WAIT_MS (default: 60000 ms)')
    .action(({ wait }: { wait?: true }, command: Command) => {
      const migrations = migrated.migrations();
      ask(command, {
        name: 'migrate',
        request: { kind: 'migrate', wait: wait === true },
        async run({ say }) {
          const report = (message: string): void => say(`migrate: ${message}`);
          const data = await (wait ? waitForMigrations : migrateDatabase)({
            ...migrated.readSettings(),
            migrations,
            report,
          });
          return { code: 0, data: { migrated: data ?? [] } };
        },
        explain: (error) => [`failed: ${error.message}`],
      });
    });
}
