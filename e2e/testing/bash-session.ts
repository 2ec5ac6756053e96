import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';

/** What came of a pasted block. */
export interface BlockResult {
  readonly output: string;
  /** The commands that failed. */
  readonly failed: readonly string[];
}

/** One bash in the project's folder that blocks are pasted into, one after another; a variable of one is there in the next. */
export class BashSession {
  readonly #folder = mkdtempSync(join(tmpdir(), 'threadweaver-bash-'));
  readonly #bash: ChildProcess;
  #output = '';
  #onOutput: () => void = () => undefined;
  #blocks = 0;

  constructor(env: NodeJS.ProcessEnv) {
    // An HTTP status of 400 and above is a failure, as a person sees it.
    writeFileSync(join(this.#folder, '.curlrc'), 'fail-with-body\n');
    this.#bash = spawn('bash', ['--noprofile', '--norc'], {
      cwd: projectRoot,
      env: { ...process.env, ...env, CURL_HOME: this.#folder },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#bash.stdout, this.#bash.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#onOutput();
      });
    }
    this.#bash.once('close', () => this.#onOutput());
    this.#tell(`set -E -o pipefail; trap 'echo "__failed: $BASH_COMMAND"' ERR`);
  }

  /** Runs a block to its end. */
  async run(block: string): Promise<BlockResult> {
    const { file, done } = this.#next(block);
    this.#tell(`. ${file} < /dev/null; echo ${done}`);
    return this.#resultAt(done);
  }

  /** Runs a block until its first whole line of output, and then does as Ctrl-C does. */
  async runUntilFirstLine(block: string): Promise<BlockResult> {
    const { file, done } = this.#next(block);
    this.#tell(`set -m; { . ${file} < /dev/null; } & set +m`);
    await this.#until(() => /\S[^\n]*\n/.test(this.#output));
    this.#tell(
      `trap - ERR; kill -INT -- -$!; wait $! 2> /dev/null; trap 'echo "__failed: $BASH_COMMAND"' ERR; echo ${done}`,
    );
    const { output } = await this.#resultAt(done);
    const [first = ''] = output.split('\n').filter((line) => line.trim() !== '');
    return { output, failed: first.startsWith('__failed') ? [first] : [] };
  }

  close(): void {
    try {
      process.kill(-(this.#bash.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #next(block: string): { file: string; done: string } {
    this.#output = '';
    this.#blocks += 1;
    const file = join(this.#folder, `block-${this.#blocks}.sh`);
    writeFileSync(file, block);
    return { file, done: `__done_${this.#blocks}` };
  }

  #tell(line: string): void {
    this.#bash.stdin?.write(`${line}\n`);
  }

  async #resultAt(done: string): Promise<BlockResult> {
    await this.#until(() => this.#output.includes(done));
    const output = this.#output.slice(0, this.#output.indexOf(done));
    const failed = [...output.matchAll(/__failed: (.*)/g)].map(([, command = '']) => command);
    return { output, failed };
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#bash.exitCode !== null) throw new Error(`bash has ended:\n${this.#output}`);
      await new Promise<void>((resolve) => (this.#onOutput = resolve));
    }
  }
}
