import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, report, run, tail } from './project.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';

const stampPath = (root) => join(root, 'node_modules', '.package-lock.stamp');
const lockFingerprint = (root) => fingerprint(readFileSync(join(root, 'package-lock.json')));

/** Is node_modules what package-lock.json asks for? */
export function npmPackagesAreReady(root) {
  const wanted = lockFingerprint(root);
  if (isStamped(stampPath(root), wanted)) return true;
  if (!installedMatchesLock(root)) return false;
  writeStamp(stampPath(root), wanted);
  return true;
}

/** Runs `npm ci`. */
export function ensureNpmPackages(root) {
  report('installing npm packages …');
  const { ok, output } = run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root });
  if (!ok) throw new PrepareError(`npm ci failed; run it by hand to see more.\n${tail(output)}`);
  writeStamp(stampPath(root), lockFingerprint(root));
}

/** Someone may have run `npm install` themselves: npm notes what it installed, and we need not do it again. */
function installedMatchesLock(root) {
  const notePath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(notePath)) return false;
  const installed = JSON.parse(readFileSync(notePath, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(locked).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.integrity === entry.integrity,
  );
}
