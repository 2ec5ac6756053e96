import { request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../platform/process/project-root.js';
import type { HeapReading } from './probe.js';

/** A heap snapshot of a large heap takes a while. */
const TIMEOUT_MS = 120_000;

/** Looks into the heap of a process that has the probe. */
export class ProbeClient {
  constructor(private readonly socketPath: string) {}

  /** What a process must have in its environment to be looked into. @param module the compiled probe */
  static environment(socketPath: string, module = join(projectRoot, 'dist/e2e/rolling/probe.js')) {
    const options = [process.env.NODE_OPTIONS, `--import=${pathToFileURL(module).href}`];
    return { SOAK_PROBE_SOCKET: socketPath, NODE_OPTIONS: options.filter(Boolean).join(' ') };
  }

  /** Collects garbage, and tells what is left. @throws Error when the process does not answer */
  async memory(): Promise<HeapReading> {
    return (await this.#ask('/memory')) as HeapReading;
  }

  /** Writes a heap snapshot, during which the process stands still. @throws Error when it does not answer */
  async snapshot(file: string): Promise<void> {
    await this.#ask(`/snapshot?${encodeURIComponent(file)}`);
  }

  #ask(path: string): Promise<unknown> {
    const { socketPath } = this;
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath, path, method: 'POST', agent: false, timeout: TIMEOUT_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve(JSON.parse(text));
          } catch (error) {
            reject(error as Error);
          }
        });
      });
      asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      asked.on('error', reject);
      asked.end();
    });
  }
}
