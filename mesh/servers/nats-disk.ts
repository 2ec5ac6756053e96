import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trouble } from './server-definition.js';

/** So much must fit on the disk before a server that found it full is started again, in bytes. */
const ROOM_BYTES = 1024 * 1024;

/**
 * Looks whether a nats-server has given up on its disk. After a write that failed (a full disk, above all) nats-server 2.15
 * never writes that stream again, though there be room, and a node of a cluster switches its JetStream off; only a restart ends either.
 * `/healthz` tells both, and on a single server looks at all streams.
 * @returns undefined when it has not, or does not answer
 */
export async function lookAtDisk(monitorPort: number, dataDir: string): Promise<Trouble | undefined> {
  const error = await healthError(monitorPort);
  if (error === undefined || !/write error|JetStream not enabled/.test(error)) return undefined;
  // Without room it would not come up; as it is, it can at least be read.
  return { reason: error, isCurable: await hasRoom(dataDir) };
}

async function healthError(monitorPort: number): Promise<string | undefined> {
  try {
    const url = `http://127.0.0.1:${monitorPort}/healthz`;
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return ((await response.json()) as { error?: string }).error;
  } catch {
    return undefined;
  }
}

async function hasRoom(folder: string): Promise<boolean> {
  const path = join(folder, '.room');
  try {
    const file = await open(path, 'w');
    try {
      await file.writeFile(Buffer.alloc(ROOM_BYTES, 1));
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch {
    return false;
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
