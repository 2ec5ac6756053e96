import { execFile } from 'node:child_process';

/** What a command printed. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Written to the command's stdin. */
  readonly input?: string;
  readonly env?: Record<string, string>;
  /** @default 120_000 */
  readonly timeoutMs?: number;
}

/** Runs a command and waits for it. A failure is a value: some are wanted here. */
export async function tryRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { cwd, input, env, timeoutMs = 120_000 } = options;
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
        resolve({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
      },
    );
    // It may end without having read all.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

/** The same, for commands that must not fail. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  const output = await tryRun(command, args, options);
  if (output.code === 0) return output;
  const said = `${output.stdout}\n${output.stderr}`.trim().slice(-3_000);
  throw new Error(`${command} ${args.slice(0, 4).join(' ')} … failed (${output.code}):\n${said}`);
}
