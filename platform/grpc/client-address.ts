import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Loopback and the networks that are not of the internet: where a mesh's proxies are. */
export const DEFAULT_TRUSTED_PROXIES = '127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';

/** Remembered answers; there are few proxies, and no more of others than there may be connections. */
const MAX_KNOWN = 10_000;

/**
 * Finds out whom a call is from, so that bounds per client hold for the client and not for the proxy before us. The
 * header x-forwarded-for counts only when a trusted proxy has sent it, and only its last entry, which that has added.
 */
export class ClientAddresses {
  readonly #proxies = new BlockList();
  readonly #known = new Map<string, boolean>();

  /**
   * @param trustedProxies addresses and networks, such as `10.0.0.0/8,::1`, with commas between them
   * @throws Error naming the one that is none
   */
  constructor(trustedProxies: string = DEFAULT_TRUSTED_PROXIES) {
    for (const entry of trustedProxies.split(',').map((text) => text.trim())) {
      if (entry === '') continue;
      const [address = '', bits] = entry.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      const prefix = bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits);
      if ((!isIPv4(address) && !isIPv6(address)) || !(prefix >= 0 && prefix <= (family === 'ipv6' ? 128 : 32))) {
        throw new Error(`${entry} is no address or network`);
      }
      this.#proxies.addSubnet(address, prefix, family);
    }
  }

  /**
   * The client's name in counts. One that came without a proxy bears a mark: a proxy's own calls, of its health checks,
   * are not those of clients at its address.
   *
   * @param peer the other end of the connection, with or without its port
   * @param forwardedFor the header x-forwarded-for
   */
  clientOf(peer: string | undefined, forwardedFor: string | undefined): string {
    const address = peer ?? 'unknown';
    const last = forwardedFor === undefined ? '' : forwardedFor.slice(forwardedFor.lastIndexOf(',') + 1).trim();
    if (last === '' || !this.#isProxy(address)) return `direct ${networkOf(address)}`;
    return networkOf(last);
  }

  #isProxy(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const plain = withoutMapping(address);
    const isProxy = (isIPv4(plain) || isIPv6(plain)) && this.#proxies.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
    this.#known.set(address, isProxy);
    return isProxy;
  }
}

/** An IPv4 address as it is; of an IPv6 address the /64, of which one client has all. */
export function networkOf(address: string): string {
  const plain = withoutMapping(address);
  if (!isIPv6(plain)) return plain.slice(0, 64);
  const [head = '', tail = ''] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === '' ? [] : tail.split(':');
  const all = plain.includes('::')
    ? [...groups, ...Array<string>(8 - groups.length - rest.length).fill('0'), ...rest]
    : groups;
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}

function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
