import { readCommandLine } from '../../load/command-line.js';
import { readConfig as readCommandConfig } from '../../services/thread/command/config.js';
import { readJournalSettings, readMigrationSettings } from '../../platform/admin/command-line/config.js';
import { readProjectorConfig } from '../../services/thread/projector/config.js';
import { readConfig as readQueryConfig } from '../../services/thread/query/config.js';
import type { Container } from './manifests.js';

/** Reads a program's settings from variables; a value that cannot be meant is an error. */
export type ReadConfig = (variables: NodeJS.ProcessEnv) => object;

/** Every service that manifests start, and what reads its environment. A new service comes in here. */
export const services: Readonly<Record<string, ReadConfig>> = {
  'thread-command': readCommandConfig,
  'thread-query': readQueryConfig,
  'thread-projector': readProjectorConfig,
};
/** The main file of a service or tool by its image's name, as the Dockerfile finds it. */
function mainOf(name: string): string {
  return name === 'load' ? 'dist/load/main.js' : `dist/services/${name.replace('-', '/')}/main.js`;
}

/** By main file; also those that are no services. */
export const programs: Readonly<Record<string, ReadConfig>> = {
  ...Object.fromEntries(Object.entries(services).map(([name, read]) => [mainOf(name), read])),
  'dist/services/admin.js thread projection migrate': readMigrationSettings,
  'dist/services/admin.js thread journal export': readJournalSettings,
  // It has options, and reads no variable.
  'dist/load/main.js': () => readCommandLine([]) ?? {},
};
/** The variables that a program reads, each with the default that it falls back to, as text. */
export function settingsOf(read: ReadConfig): Map<string, string> {
  const names = new Set<string>();
  const spy = new Proxy({} as NodeJS.ProcessEnv, {
    get(_target, name) {
      names.add(String(name));
      return undefined;
    },
  });
  const defaults = JSON.stringify(read(spy));
  const url = (name: string): string => new RegExp(`"${name}":"([^"]*)"`).exec(defaults)?.[1] ?? '';
  const urls: Record<string, string> = { NATS_URL: url('natsUrl'), MYSQL_URL: url('mysqlUrl') };
  return new Map([...names].map((name) => [name, urls[name] ?? '']));
}

/** The main file that a container of ours runs, with the words that say what it is to do. */
export function programOf({ image, args }: Container): string {
  return (
    args?.slice(0, args[0] === 'dist/services/admin.js' ? 4 : 1).join(' ') ??
    mainOf(image.replace(/^.*\//, '').replace(/:.*$/, ''))
  );
}

/** Is it an image of this project's? */
export const isOurs = ({ image }: Container): boolean => image.includes('threadweaver/');
