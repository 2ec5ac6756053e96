import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, report, run } from './project.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';

const sourceFolders = ['gen', 'platform', 'services', 'mesh', 'load', 'e2e', 'bench', 'scripts', 'k8s'];
const stampPath = (root) => join(root, 'dist', '.compiled.stamp');

/**
 * Type-checks and compiles to dist, unless no source changed since the last time.
 * @throws {PrepareError} with the compiler's output
 */
export function compile(root) {
  const wanted = sourcesFingerprint(root);
  if (isStamped(stampPath(root), wanted)) return;
  report('compiling …');
  removeOrphans(root, join('dist'));
  const started = Date.now();
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { ok, output } = run(process.execPath, [tsc, '-p', 'tsconfig.json', '--pretty', 'false'], { cwd: root });
  if (!ok) throw new PrepareError(`the sources do not compile:\n${output}`);
  report(`compiled in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  writeStamp(stampPath(root), wanted);
}

/** Of paths, sizes and modification times: reading every file would cost more than it saves. */
export function sourcesFingerprint(root) {
  const lines = [];
  for (const folder of sourceFolders) collect(root, folder, lines);
  return fingerprint(
    readFileSync(join(root, 'tsconfig.json')),
    readFileSync(join(root, 'package-lock.json')),
    lines.join('\n'),
  );
}

function collect(root, folder, lines) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) collect(root, path, lines);
    else if (entry.name.endsWith('.ts')) {
      const { mtimeMs, size } = statSync(join(root, path));
      lines.push(`${path} ${size} ${mtimeMs}`);
    }
  }
}

/** tsc leaves the output of deleted sources behind, and a stale module or migration could still be loaded. */
function removeOrphans(root, folder) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(root, path);
    else if (/\.js(\.map)?$/.test(entry.name)) {
      const source = path.replace(/^dist./, '').replace(/\.js(\.map)?$/, '.ts');
      if (!existsSync(join(root, source))) rmSync(join(root, path));
    }
  }
}
