import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import type { RoundOrder, RoundReport } from './load.js';
import type { DriverRequest } from './load-driver-main.js';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

type Order<R> = R extends DriverRequest ? Omit<R, 'id'> : never;

/** The clients, in a process of their own: the same code, and the same process, for all that are compared. */
export class LoadDriver {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #asked = 0;

  constructor() {
    this.#child = fork(join(projectRoot, 'dist', 'bench', 'support', 'load-driver-main.js'), {
      execArgv: ['--enable-source-maps', '--expose-gc'],
      serialization: 'advanced',
    });
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`the load's driver: ${error}`));
    });
    this.#child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the load's driver ended: ${code ?? signal}`));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Opens a client.
   * @param module a file of bench/loads, without its ending
   * @param options plain data for the module's `open`
   */
  async open(name: string, module: string, options: unknown): Promise<void> {
    await this.#ask({ kind: 'open', name, module, options });
  }

  async round(name: string, order: RoundOrder): Promise<RoundReport> {
    return (await this.#ask({ kind: 'round', name, order })) as RoundReport;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  #ask(order: Order<DriverRequest>): Promise<unknown> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...order, id });
    });
  }
}
