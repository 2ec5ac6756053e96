import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { ServerCommand } from './server-definition.js';
import { onPath } from './tools.js';

// Raises the soft limit on open files to the hard one: nats-server holds a file per stream, Envoy one per connection.
// `exec` keeps the pid, so signals reach the server itself.
const RAISE_OPEN_FILES = 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"';

/**
 * Starts a server in a session of its own, so that a terminal's Ctrl-C reaches only the process that started it and
 * that one can stop its servers in order. Where the kernel can do it, the server dies with its parent, even with one
 * that was killed.
 * @param output 'pipe' to read stdout and stderr from the child, or a file descriptor that takes both
 */
export function spawnServer(server: ServerCommand, output: 'pipe' | number): ChildProcess {
  const { command, args, env, user, openFolder } = server;
  const setpriv = onPath('setpriv');
  const dieWithParent = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const folder = openFolder === undefined ? undefined : openSync(openFolder, 'r');
  try {
    return spawn('/bin/sh', ['-c', RAISE_OPEN_FILES, 'sh', ...dieWithParent, command, ...args], {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output, ...(folder === undefined ? [] : [folder])],
      ...user,
    });
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

/** Resolves when the child is gone; its exit code, or the signal that ended it. */
export async function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode !== null) return child.exitCode;
  if (child.signalCode !== null) return child.signalCode;
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
    // A child that never started emits 'error' and no 'exit'.
    child.once('error', () => resolve(127));
  });
}
