import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, so small that it can be filled. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the room there is, and what becomes free, until `free`. */
  fill(): void;
  /** Gives the room back. */
  free(): void;
  /** Frees and unmounts it. May be called twice. */
  remove(): Promise<void>;
}

const FILL_EVERY_MS = 10;

/**
 * Mounts a small file system in memory, which needs root.
 * @param sizeMib in MiB
 * @param at an empty folder, made when missing. @default a temporary one
 * @returns undefined when this process may not mount
 */
export async function mountSmallDisk(sizeMib: number, at?: string): Promise<SmallDisk | undefined> {
  const path = at ?? (await mkdtemp(join(tmpdir(), 'threadweaver-disk-')));
  await mkdir(path, { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', path], { stdio: 'ignore' });
  const removeFolder = async () => {
    if (at === undefined) await rm(path, { recursive: true, force: true });
  };
  if (status !== 0) {
    await removeFolder();
    return undefined;
  }
  const filler = join(path, '.filler');
  let filling: { readonly file: number; readonly timer: NodeJS.Timeout } | undefined;
  const free = (): void => {
    if (filling === undefined) return;
    clearInterval(filling.timer);
    closeSync(filling.file);
    filling = undefined;
    rmSync(filler, { force: true });
  };
  let isMounted = true;
  return {
    path,
    fill: () => {
      if (filling !== undefined) return;
      const file = openSync(filler, 'w');
      takeAll(file);
      filling = { file, timer: setInterval(() => takeAll(file), FILL_EVERY_MS) };
    },
    free,
    remove: async () => {
      if (!isMounted) return;
      isMounted = false;
      free();
      // Lazily: a server may still be ending.
      spawnSync('umount', ['--lazy', path], { stdio: 'ignore' });
      await removeFolder();
    },
  };
}

function takeAll(file: number): void {
  for (const size of [1024 * 1024, 4096, 1]) {
    const chunk = Buffer.alloc(size);
    try {
      while (writeSync(file, chunk) === size);
    } catch {
      // Less than that is left.
    }
  }
}
