import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWholeFile, writeWholeFile } from '../../platform/process/write-whole-file.js';
import { contextResources } from '../rights/context-resources.js';
import { mySqlAccountRights, OPERATOR_ACCOUNT } from '../rights/mysql-rights.js';
import { natsUsers, OPERATOR } from '../rights/nats-rights.js';
import { randomPassword } from '../servers/mysql-accounts.js';
import { serviceRights } from '../services.js';
import { MeshError } from './mesh-error.js';

/** The passwords of a mesh's own servers. */
export interface MeshSecrets {
  /** Of MySQL's root. */
  readonly mySqlRoot: string;
  /** Of NATS's nodes among themselves. */
  readonly natsRoute: string;
  /** Of NATS's users, by name. */
  readonly nats: Readonly<Record<string, string>>;
  /** Of MySQL's accounts, by name. */
  readonly mySql: Readonly<Record<string, string>>;
}

/** What everybody keeps them in. */
const SECRETS_FILE = 'secrets.json';

/** Whether a version has run here that knew no passwords. */
export function hasPasswordlessData(dataDir: string): boolean {
  const hasData = ['mysql', 'nats', 'nats-1'].some((name) => existsSync(join(dataDir, name)));
  return hasData && !existsSync(join(dataDir, SECRETS_FILE));
}

/** As a version kept them that knew one user of NATS and one account of MySQL that writes: what are the operators' now. */
interface FormerSecrets extends Pick<MeshSecrets, 'mySqlRoot' | 'natsRoute'> {
  readonly nats: string;
  readonly mySqlProjector: string;
}

/**
 * The passwords of the mesh in this folder, which has to be there; made when somebody first needs them, and the same ever since.
 * @throws MeshError when the file cannot be read
 */
export function meshSecrets(dataDir: string): MeshSecrets {
  const path = join(dataDir, SECRETS_FILE);
  let kept: Partial<MeshSecrets> | FormerSecrets | undefined;
  try {
    kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<MeshSecrets> | FormerSecrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new MeshError(
        `${path} cannot be read (${(error as Error).message}). Remove it: the next start makes new passwords.`,
      );
    }
  }
  const secrets = completedSecrets(isFormer(kept) ? takenOver(kept) : (kept ?? {}));
  if (JSON.stringify(secrets) === JSON.stringify(kept)) return secrets;
  // Whole or not at all; of two who start at once, the first one's count.
  const text = JSON.stringify(secrets, undefined, 2);
  if (kept !== undefined) writeWholeFile(path, text);
  else if (!createWholeFile(path, text)) return meshSecrets(dataDir);
  return secrets;
}

/** With a password for whoever has none yet. */
export function completedSecrets({ mySqlRoot, natsRoute, nats, mySql }: Partial<MeshSecrets>): MeshSecrets {
  const of = (names: readonly string[], kept: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    ...kept,
    ...Object.fromEntries(names.map((name) => [name, kept[name] ?? randomPassword()])),
  });
  const contexts = contextResources();
  return {
    mySqlRoot: mySqlRoot ?? randomPassword(),
    natsRoute: natsRoute ?? randomPassword(),
    nats: of(
      natsUsers(contexts, serviceRights).map(({ user }) => user),
      nats,
    ),
    mySql: of(
      mySqlAccountRights(contexts, serviceRights).map(({ name }) => name),
      mySql,
    ),
  };
}

function isFormer(kept: Partial<MeshSecrets> | FormerSecrets | undefined): kept is FormerSecrets {
  return typeof kept?.nats === 'string';
}

function takenOver({ mySqlRoot, natsRoute, nats, mySqlProjector }: FormerSecrets): Partial<MeshSecrets> {
  return { mySqlRoot, natsRoute, nats: { [OPERATOR]: nats }, mySql: { [OPERATOR_ACCOUNT]: mySqlProjector } };
}
