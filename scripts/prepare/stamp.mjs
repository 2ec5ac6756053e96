import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A short fingerprint of some text or bytes. */
export function fingerprint(...contents) {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content).update('\0');
  return hash.digest('hex').slice(0, 32);
}

/** Does the stamp file hold this value? A missing or unreadable stamp is simply "no". */
export function isStamped(path, value) {
  try {
    return readFileSync(path, 'utf8') === value;
  } catch {
    return false;
  }
}

/** Writes the stamp whole or not at all, so that a run beside this one never reads half of it. */
export function writeStamp(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, value);
  renameSync(draft, path);
}
