import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Image } from './builder.js';

/** Environment variables. */
export type Variables = Readonly<Record<string, string>>;

/** An image's command that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly output: Promise<string>;
}

/**
 * Runs an image's command in its root folder, as its user, with nothing to write to.
 * @param scratch an empty folder of the image that can be written to, as a volume would be
 */
export function startIn(
  root: string,
  { config }: Image,
  variables: Variables,
  command = config.Cmd,
  scratch?: string,
): Running {
  const program = command[0] === 'node' ? command : [...config.Entrypoint, ...command];
  const environment = [...config.Env, ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
  const setUp = [
    'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
    'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev"',
    ...(scratch === undefined ? [] : [`mount -t tmpfs -o mode=1777 tmpfs "$1${scratch}"`]),
    'root=$1 user=$2 && shift 2',
    // The process id stays the same all the way.
    'exec chroot --userspec="$user" "$root" env -i -C "$@"',
  ].join(' && ');
  const args = ['--mount', 'sh', '-c', setUp, 'sh', root, config.User, config.WorkingDir, ...environment, ...program];
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]).then((texts) => texts.join('').slice(-2_000));
  const exited = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  return { child, exited, output };
}
