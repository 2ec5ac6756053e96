import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file for its user alone. Whoever reads it meanwhile gets the old one or the new one, never a part. */
export function writeWholeFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** The same, unless there is one: then that stays as it is. @returns whether there was none */
export function createWholeFile(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}
