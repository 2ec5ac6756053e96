import { chmodSync, chownSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** A user of the operating system, with its first group. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

// In the range that Debian gives to nobody unasked, and far from where user namespaces begin.
const NUMBER_OF_NOBODY_ELSE = 60_306;

/**
 * The user that a database runs as when this process is root's: `mysql`, or, where there is none, a number of its own.
 * Not `nobody`, whom other programs run as, too.
 * @returns undefined when this process is not root's, and its children are its own user's anyway
 */
export function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid, gid] = /^mysql:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return { uid: Number(uid ?? NUMBER_OF_NOBODY_ELSE), gid: Number(gid ?? NUMBER_OF_NOBODY_ELSE) };
}

/** The first folder on the way to a path that a user may not enter; undefined when there is none. */
export function closedFolderOnTheWay(path: string, user: SystemUser): string | undefined {
  const folders = [];
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return folders.find((folder) => {
    const { mode, uid, gid } = statSync(folder);
    const needed = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    return (mode & needed) === 0;
  });
}

/** Gives a folder, which nobody else may enter then, and all in it to a user. */
export function giveTo(user: SystemUser, folder: string): void {
  chmodSync(folder, 0o700);
  const give = (path: string): void => {
    const { uid, gid } = lstatSync(path);
    if (uid !== user.uid || gid !== user.gid) chownSync(path, user.uid, user.gid);
  };
  give(folder);
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) give(join(folder, entry));
}
