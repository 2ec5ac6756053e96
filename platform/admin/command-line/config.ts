import {
  accountMysqlUrl,
  feedSettings,
  installation,
  journalMaxStreams,
  mysqlUrl,
  natsSettings,
} from '../../composition/backend-settings.js';
import { signerSettings } from '../../composition/identity-settings.js';
import { projectionPartitions } from '../../composition/projection-settings.js';
import { withLocalInstallation } from '../../process/local-installation.js';
import { integer, settings, type SettingsOf, text } from '../../process/settings.js';

/** Settings of what is done to a journal. */
export const journalSettings = { ...natsSettings, journalMaxStreams, installation };

/** Settings of what is done to a projection or a reaction. */
const operatorSettings = { mysqlUrl, ...feedSettings, projectionPartitions };
export type OperatorSettings = SettingsOf<typeof operatorSettings>;

const waitMs = integer(
  'MIGRATE_WAIT_MS',
  { default: 60_000 },
  'how long to wait for the database, and with `--wait` for another run to have done the migrations',
);

/** Settings of a run of migrations. */
export const migrationSettings = { mysqlUrl, waitMs };

/** Settings of what is done to people's accounts. */
export const accountSettings = { accountMysqlUrl, waitMs };

const ownershipSettings = {
  address: text(
    'OWNERSHIP_ADDRESS',
    { default: '127.0.0.1:50054' },
    'where an instance answers operators; by default the first one of `npm start`',
  ),
};

/** @throws Fault reason INVALID_SETTING naming the variable */
export const readJournalSettings = (): SettingsOf<typeof journalSettings> =>
  settings(journalSettings, withLocalInstallation(process.env));

/** @throws Fault reason INVALID_SETTING naming the variable */
export const readOperatorSettings = (): OperatorSettings =>
  settings(operatorSettings, withLocalInstallation(process.env));

/** @throws Fault reason INVALID_SETTING naming the variable */
export const readMigrationSettings = (): SettingsOf<typeof migrationSettings> => settings(migrationSettings);

/** @throws Fault reason INVALID_SETTING when the local mesh is another user's */
export const readOwnershipAddress = (): string =>
  settings(ownershipSettings, withLocalInstallation(process.env)).address;

/** @throws Fault reason INVALID_SETTING when the local mesh is another user's */
export const readSignerSettings = (): SettingsOf<typeof signerSettings> =>
  settings(signerSettings, withLocalInstallation(process.env));

/** @throws Fault reason INVALID_SETTING when the local mesh is another user's */
export const readAccountSettings = (): SettingsOf<typeof accountSettings> =>
  settings(accountSettings, withLocalInstallation(process.env));
