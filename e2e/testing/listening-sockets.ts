import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Where somebody listens by TCP. */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

/** What nobody but this machine reaches: 127.0.0.0/8, ::1, and 127.0.0.0/8 as IPv6 has it. */
export const loopback = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;

/** The TCP sockets on which processes listen, out of /proc. */
export function listenersOf(pids: readonly number[]): Listener[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
      .map(([, local = '']) => {
        const [hex = '', port = ''] = local.split(':');
        return { address: addressOf(hex), port: Number.parseInt(port, 16) };
      }),
  );
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((file) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${file}`))?.[1] ?? [];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}

/** Words of 32 bits, each in the order of a little-endian machine. */
function addressOf(hex: string): string {
  const bytes = [...Buffer.from(hex, 'hex')];
  const ordered = Array.from({ length: bytes.length / 4 }, (_, word) =>
    bytes.slice(4 * word, 4 * word + 4).reverse(),
  ).flat();
  if (ordered.length === 4) return ordered.join('.');
  if (ordered.every((byte, index) => byte === (index === 15 ? 1 : 0))) return '::1';
  if (ordered.every((byte) => byte === 0)) return '::';
  const isMapped = ordered.slice(0, 10).every((byte) => byte === 0) && ordered[10] === 255 && ordered[11] === 255;
  return isMapped ? `::ffff:${ordered.slice(12).join('.')}` : Buffer.from(ordered).toString('hex');
}

/** All processes below this one. */
export function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])] as const];
      } catch {
        return [];
      }
    });
  const below = (parent: number): number[] =>
    parents.filter(([, its]) => its === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}
