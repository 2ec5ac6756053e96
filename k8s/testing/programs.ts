import { readCommandLine } from '../../load/command-line.js';
import { readConfig as readCommandConfig } from '../../services/thread/command/config.js';
import { readJournalCommandConfig } from '../../services/thread/journal/config.js';
import { readMigrateConfig, readProjectorConfig } from '../../services/thread/projector/config.js';
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
  'dist/services/thread/projector/migrate.js': readMigrateConfig,
  'dist/services/thread/journal/main.js': readJournalCommandConfig,
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

/** The main file that a container of ours runs. */
export function programOf({ image, args }: Container): string {
  return args?.[0] ?? mainOf(image.replace(/^.*\//, '').replace(/:.*$/, ''));
}

/** Is it an image of this project's? */
export const isOurs = ({ image }: Container): boolean => image.includes('threadweaver/');
