import { CutProxy, type CutKind } from '../../mesh/servers/index.js';

/** One process's way to NATS: a proxy before each node, all cut and healed together. */
export class NatsDoors {
  private constructor(private readonly proxies: readonly CutProxy[]) {}

  /** @param natsPorts on loopback; nothing needs to listen there yet */
  static async open(natsPorts: readonly number[]): Promise<NatsDoors> {
    return new NatsDoors(await Promise.all(natsPorts.map((port) => CutProxy.start(port))));
  }

  /** What the process must take for NATS_URL. */
  get url(): string {
    return this.proxies.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  cut(how: CutKind): void {
    for (const proxy of this.proxies) proxy.cut(how);
  }

  heal(): void {
    for (const proxy of this.proxies) proxy.heal();
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}
