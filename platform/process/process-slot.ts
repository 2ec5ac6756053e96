import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/**
 * Names the address that this process listens on so that no other living process has the same: with the boot of the
 * machine and the network namespace (its container), as several containers may share a host name. A process that
 * gets a predecessor's slot knows that it is dead, as the system lets only one listen there.
 *
 * @returns undefined where that cannot be told: on other systems than Linux
 */
export async function processSlotOf(host: string, port: number): Promise<string | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const network = await readlink('/proc/self/ns/net');
    return `${hostname()}/${boot}/${network}/${host}:${port}`;
  } catch {
    return undefined;
  }
}
