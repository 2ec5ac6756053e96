import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MeshProcessName, RunningMesh } from '../../mesh/local/index.js';

const processes: readonly MeshProcessName[] = [
  'nats',
  'mysql',
  'thread-command',
  'thread-query',
  'thread-projector',
  'envoy',
];

/** Looks at a mesh from outside: whether a process has died, and whether one has something to complain of. */
export class MeshWatch {
  #restarts = new Map<string, number>();
  readonly #read = new Map<string, number>();

  private constructor(private readonly mesh: RunningMesh) {}

  /** From now on. */
  static async begin(mesh: RunningMesh): Promise<MeshWatch> {
    const watch = new MeshWatch(mesh);
    await watch.check();
    return watch;
  }

  /** What has happened since the last call. @returns sentences */
  async check(): Promise<string[]> {
    const wrong: string[] = [];
    for (const name of processes) {
      const { restarts, state } = this.mesh.process(name);
      if (restarts > (this.#restarts.get(name) ?? restarts)) wrong.push(`${name} was restarted`);
      else if (state !== 'RUNNING') wrong.push(`${name} is ${state}`);
      this.#restarts.set(name, restarts);
    }
    const folder = join(this.mesh.dataDir, 'logs');
    for (const file of await readdir(folder)) {
      if (!/^thread-.*\.log$/.test(file)) continue;
      for (const line of await this.#newLines(join(folder, file)))
        if (isTrouble(line)) wrong.push(`${file}: ${line.slice(0, 600)}`);
    }
    return wrong;
  }

  async #newLines(path: string): Promise<string[]> {
    const from = this.#read.get(path) ?? 0;
    const { size } = await stat(path);
    // The log has begun anew.
    const start = size < from ? 0 : from;
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
      this.#read.set(path, start + end);
      return buffer.subarray(0, end).toString().split('\n').filter(Boolean);
    } finally {
      await handle.close();
    }
  }
}

/** A line at error level, or one that the logger has not written: a stack trace, a warning of Node, what a library prints. */
function isTrouble(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: string };
    return level === 'error' || level === 'fatal';
  } catch {
    return true;
  }
}
