import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomPassword } from '../servers/mysql-accounts.js';
import { MeshError } from './mesh-error.js';

const names = ['nats', 'natsRoute', 'mySqlRoot', 'mySqlProjector', 'mySqlQuery'] as const;

/** The passwords of a mesh's own servers. */
export type MeshSecrets = Readonly<Record<(typeof names)[number], string>>;

/** What everybody keeps them in. */
const SECRETS_FILE = 'secrets.json';

/** Whether a version has run here that knew no passwords. */
export function hasPasswordlessData(dataDir: string): boolean {
  const hasData = ['mysql', 'nats', 'nats-1'].some((name) => existsSync(join(dataDir, name)));
  return hasData && !existsSync(join(dataDir, SECRETS_FILE));
}

/**
 * The passwords of the mesh in this folder, which has to be there; made at its first start, and the same ever since.
 * @throws MeshError when the file cannot be read
 */
export function meshSecrets(dataDir: string): MeshSecrets {
  const path = join(dataDir, SECRETS_FILE);
  const fresh = Object.fromEntries(names.map((name) => [name, randomPassword()]));
  // Whole or not at all, and never over one that is there.
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(fresh, undefined, 2), { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  try {
    // What a later version has added is there, too.
    return { ...fresh, ...(JSON.parse(readFileSync(path, 'utf8')) as object) } as MeshSecrets;
  } catch (error) {
    throw new MeshError(
      `${path} cannot be read (${(error as Error).message}). Remove it: the next start makes new passwords.`,
    );
  }
}
