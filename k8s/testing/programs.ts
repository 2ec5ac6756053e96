import {
  accountSettings as accountOperatorSettings,
  journalSettings,
  migrationSettings,
} from '../../platform/admin/command-line/config.js';
import { type SettingsTable, type SettingVariable, variablesOf } from '../../platform/process/settings.js';
import { accountSettings } from '../../services/account/config.js';
import { threadCommandSettings } from '../../services/thread/command/config.js';
import { threadProjectorSettings } from '../../services/thread/projector/config.js';
import { threadQuerySettings } from '../../services/thread/query/config.js';
import { type ServiceName, services as manifests } from '../../mesh/services.js';
import type { Container } from './manifests.js';

/** The settings of every service that manifests start. */
export const services = {
  'thread-command': threadCommandSettings,
  'thread-query': threadQuerySettings,
  'thread-projector': threadProjectorSettings,
  account: accountSettings,
} satisfies Readonly<Record<ServiceName, SettingsTable>>;
/** The main file of a service or tool by its image's name, as the Dockerfile finds it. */
function mainOf(name: string): string {
  return `dist/${name in manifests ? manifests[name as ServiceName].main : `${name}/main`}.js`;
}

/** By main file; also those that are no services. */
export const programs: Readonly<Record<string, SettingsTable>> = {
  ...Object.fromEntries(Object.entries(services).map(([name, table]) => [mainOf(name), table])),
  'dist/services/admin.js thread projection migrate': migrationSettings,
  'dist/services/admin.js account migrate': accountOperatorSettings,
  'dist/services/admin.js thread journal export': journalSettings,
  // It has options, and reads no variable.
  'dist/load/main.js': {},
};

/** The variables that a program reads, by name. */
export function settingsOf(table: SettingsTable): Map<string, SettingVariable> {
  return new Map(variablesOf(table).map((variable) => [variable.name, variable]));
}

/** Does what suits one machine only stand there as the default? */
export function suitsOneMachine({ kind, default: byDefault }: SettingVariable): boolean {
  return kind === 'url' && byDefault.includes('127.0.0.1');
}

/** The main file that a container of ours runs, with the words that say what it is to do. */
export function programOf({ image, args }: Container): string {
  return (
    args
      ?.slice(0, args[0] === 'dist/services/admin.js' ? 4 : 1)
      .filter((word) => !word.startsWith('--'))
      .join(' ') ?? mainOf(image.replace(/^.*\//, '').replace(/:.*$/, ''))
  );
}

/** Is it an image of this project's? */
export const isOurs = ({ image }: Container): boolean => image.includes('threadweaver/');
