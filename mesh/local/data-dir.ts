import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unprivilegedUser } from '../servers/unprivileged-user.js';
import { MeshError } from './mesh-error.js';
import { identify, isRunning, type ProcessIdentity } from './process-identity.js';

interface LeftoverChild extends ProcessIdentity {
  readonly name: string;
}

interface RunNote {
  readonly supervisor: ProcessIdentity;
  readonly children: readonly LeftoverChild[];
}

/**
 * Makes a mesh's folder, and shuts it to other users of this machine: in it are passwords. The database's own user may
 * go through it, no more.
 * @throws MeshError when it is another user's
 */
export function makePrivate(path: string): void {
  const guest = unprivilegedUser();
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (guest !== undefined) chownSync(path, 0, guest.gid);
    chmodSync(path, guest === undefined ? 0o700 : 0o710);
    // Some may be there from before there were passwords.
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.name === 'mysql' || entry.isSymbolicLink()) continue;
      chmodSync(join(path, entry.name), entry.isDirectory() ? 0o700 : 0o600);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw new MeshError(
      `${path} is another user's: it has to be yours, for passwords are in it. Set DATA_DIR to another folder.`,
    );
  }
}

const KILL_TIMEOUT_MS = 5_000;

/**
 * A mesh's folder: one mesh at a time, with a note in it (`mesh.json`) of who runs it and which children it has. The
 * note lets the next start recognise a second mesh, and clean up after one that was killed.
 */
export class DataDir {
  private readonly notePath: string;
  private readonly children = new Map<string, LeftoverChild>();

  private constructor(readonly path: string) {
    this.notePath = join(path, 'mesh.json');
  }

  /**
   * Takes the folder for this process, and kills children that an earlier, killed mesh left in it.
   * @param onLeftover is told the names of children that are being killed
   * @throws MeshError when another mesh runs on it
   */
  static async take(path: string, onLeftover: (names: readonly string[]) => void): Promise<DataDir> {
    makePrivate(path);
    const dir = new DataDir(path);
    const note = dir.readNote();
    if (note !== undefined && note.supervisor.pid !== process.pid && isRunning(note.supervisor)) {
      throw new MeshError(
        `another mesh (pid ${note.supervisor.pid}) already runs on ${path}. ` +
          `Stop it (Ctrl-C there, or kill ${note.supervisor.pid}), or set DATA_DIR and the ports for a second one.`,
      );
    }
    const leftovers = (note?.children ?? []).filter(isRunning);
    if (leftovers.length > 0) {
      onLeftover(leftovers.map(({ name }) => name));
      await killAll(leftovers);
    }
    dir.writeNote();
    return dir;
  }

  /** Notes a child's present process. */
  noteChild(name: string, pid: number): void {
    const identity = identify(pid);
    if (identity === undefined) this.children.delete(name);
    else this.children.set(name, { name, ...identity });
    this.writeNote();
  }

  /** Gives the folder back; what is in it stays. */
  release(): void {
    rmSync(this.notePath, { force: true });
  }

  private readNote(): RunNote | undefined {
    try {
      return JSON.parse(readFileSync(this.notePath, 'utf8')) as RunNote;
    } catch {
      // Missing: nobody ran here. Unreadable: written by a machine that went down, whose processes are gone too.
      return undefined;
    }
  }

  private writeNote(): void {
    const supervisor = identify(process.pid);
    const draft = `${this.notePath}.${process.pid}`;
    writeFileSync(draft, JSON.stringify({ supervisor, children: [...this.children.values()] }));
    renameSync(draft, this.notePath);
  }
}

async function killAll(leftovers: readonly LeftoverChild[]): Promise<void> {
  for (const { pid } of leftovers) process.kill(pid, 'SIGKILL');
  const deadline = performance.now() + KILL_TIMEOUT_MS;
  // They are not our children: the kernel tells us nothing of their end.
  while (leftovers.some(isRunning)) {
    if (performance.now() > deadline)
      throw new MeshError(`could not kill ${leftovers.map(({ name }) => name).join(', ')}`);
    await sleep(20);
  }
}
