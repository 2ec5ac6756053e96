import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withFreshLists } from './debian.mjs';
import { PrepareError, report, run, tail } from './project.mjs';

const folder = (root) => join(root, '.tools', 'prometheus');

/** Are Prometheus, promtool and what their pages are made of unpacked in .tools? */
export function prometheusIsReady(root) {
  return ['prometheus', 'promtool'].every((name) => existsSync(join(folder(root), 'usr', 'bin', name)));
}

/**
 * Unpacks Debian's (or Ubuntu's) package into .tools, which needs no root and starts no system service. apt-get checks what it
 * downloads by the distribution's signature.
 */
export function ensurePrometheus(root) {
  report("unpacking Debian's prometheus into .tools (some 25 MB) …");
  const draft = `${folder(root)}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const result = withFreshLists(() => download(draft));
  if (!result.ok) {
    throw new PrepareError(
      `Prometheus comes as Debian's package, which apt-get could not get:\n${tail(result.output, 5)}`,
    );
  }
  for (const name of readdirSync(draft).filter((file) => file.endsWith('.deb'))) {
    const { ok, output } = run('dpkg', ['-x', join(draft, name), draft]);
    if (!ok) throw new PrepareError(`dpkg could not unpack ${name}:\n${tail(output, 5)}`);
    rmSync(join(draft, name));
  }
  rmSync(folder(root), { recursive: true, force: true });
  renameSync(draft, folder(root));
}

function download(cwd) {
  const without = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
    (kind) => `--no-${kind}`,
  );
  const { ok, output } = run('apt-cache', ['depends', '--recurse', ...without, 'prometheus']);
  if (!ok) return { ok, output };
  // What else it depends on is for its system service.
  const pages = output.split('\n').filter((line) => /^(libjs-|fonts-)/.test(line));
  return run('apt-get', ['download', 'prometheus', ...pages], { cwd });
}
