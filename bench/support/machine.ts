import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { envoyBinary, mySqlInstallation, natsServerBinary } from '../../mesh/servers/tools.js';
import { projectRoot } from '../../platform/process/project-root.js';

/** What was measured on: one line. */
export function machineShape(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const versions = [
    `Node ${process.versions.node}`,
    `nats-server ${versionOf(natsServerBinary)}`,
    `Envoy ${versionOf(envoyBinary)}`,
    `MariaDB ${versionOf(() => mySqlInstallation().server)}`,
  ];
  const cores = `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${memory}, Linux ${release()}`;
  return `${cores}; ${versions.join(', ')}`;
}

/** The commit that is measured; with a + when files differ from it. */
export function measuredCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', projectRoot, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const isChanged =
      git('status', '--porcelain', '--untracked-files=no', '--', 'platform', 'services', 'bench/*.ts') !== '';
    return `${git('rev-parse', '--short=8', 'HEAD')}${isChanged ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

function versionOf(binary: () => string): string {
  try {
    const text = execFileSync(binary(), ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
