import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that this script belongs to. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A failure that a person can act on: its message says what to do, and no stack trace is shown. */
export class PrepareError extends Error {}

/** Prints one progress line, for steps that take seconds. */
export function report(line) {
  console.log(`prepare: ${line}`);
}

/**
 * Runs a command to its end, silently.
 * @returns {{ ok: boolean, output: string }} output is what it printed, both streams
 */
export function run(command, args, { cwd = projectRoot, env = {} } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.error) return { ok: false, output: result.error.message };
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}`.trim() };
}

/** The last lines of a command's output, indented: enough to see why it failed. */
export function tail(output, lines = 15) {
  return output
    .split('\n')
    .slice(-lines)
    .map((line) => `    ${line}`)
    .join('\n');
}
