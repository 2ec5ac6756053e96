import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.js';

/** Where `npm start` writes down, in its data folder, how its servers are reached: a variable a line. */
export const LOCAL_SETTINGS_FILE = 'mesh.env';

const ofNats = ['NATS_URL', 'NATS_USER', 'NATS_PASSWORD', 'NATS_REPLICAS'];

/**
 * Settings of a command line: those of the environment and, for the servers that it does not name, those of the mesh
 * that `npm start` runs or ran from DATA_DIR (`.data`).
 * @throws Fault reason INVALID_SETTING when that mesh is another user's
 */
export function withLocalInstallation(
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const path = join(variables.DATA_DIR || '.data', LOCAL_SETTINGS_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return variables;
    // Whoever names the servers needs none of it.
    if (variables.NATS_URL && variables.MYSQL_URL) return variables;
    const message = `cannot read ${path} (${code}): whoever ran \`npm start\` may, or set NATS_URL and MYSQL_URL`;
    throw new Fault('failed-precondition', 'INVALID_SETTING', message);
  }
  const found = text.split('\n').flatMap((line) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  const isWanted = (name: string): boolean => !variables[ofNats.includes(name) ? 'NATS_URL' : name];
  const wanted = found.filter(([name]) => isWanted(name));
  const present = Object.entries(variables).filter(([, value]) => value !== '');
  return Object.fromEntries([...wanted, ...present]);
}
