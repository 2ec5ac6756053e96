import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { projectRoot } from '../../services/shared/adapters/project-root.js';

/** The machine's shape, for a reader of the figures. */
export function machineShape(): string {
  return `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

/** The commit that is checked out, `unknown` where there is no git. */
export function presentCommit(): string {
  try {
    return execFileSync('git', ['-C', projectRoot, 'rev-parse', '--short=8', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
