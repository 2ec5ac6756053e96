import { existsSync, readFileSync } from 'node:fs';
import { FollowedFile } from '../process/followed-file.js';
import { createWholeFile, writeWholeFile } from '../process/write-whole-file.js';
import { keyRingText, newKeyRing, parseKeyRing, rotated, type KeyRing, type RotationOptions } from './key-ring.js';

/** How `npm start` calls the file in its data folder. */
export const KEY_RING_FILE = 'keys.json';

/** Makes the installation's keys, unless there are some. */
export async function ensureKeyRing(path: string): Promise<void> {
  if (!existsSync(path)) createWholeFile(path, keyRingText(await newKeyRing(Date.now())));
}

/** @throws Fault reason INVALID_KEY_RING; Error when the file cannot be read */
export function readKeyRing(path: string): KeyRing {
  return parseKeyRing(readFileSync(path, 'utf8'));
}

/**
 * Adds a key to a ring. Whoever follows the file notices.
 * @returns the ring as it is now
 * @throws Fault reason ROTATION_UNDER_WAY
 */
export async function rotateKeys(path: string, options: RotationOptions): Promise<KeyRing> {
  const ring = await rotated(readKeyRing(path), Date.now(), options);
  writeWholeFile(path, keyRingText(ring));
  return ring;
}

/** The ring in a file, as it is at any time. @throws as `readKeyRing` */
export function followKeyRing(path: string, onTrouble: (error: Error) => void): FollowedFile<KeyRing> {
  return new FollowedFile({ path, parse: parseKeyRing, onTrouble });
}
