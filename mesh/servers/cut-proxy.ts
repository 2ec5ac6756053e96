import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `silent`: nothing arrives and nothing is refused; `reset`: connections break. */
export type CutKind = 'silent' | 'reset';

/**
 * A TCP proxy that can cut those behind it off. While it is silent, it keeps every connection and takes new ones, but
 * passes nothing on, not even that a side has closed; what was under way arrives after `heal`, as after a cable was
 * plugged in again (TCP sends it anew).
 */
export class CutProxy {
  readonly #pairs = new Set<Pair>();
  #taken = 0;
  #cut: CutKind | undefined;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on('connection', (downstream) => this.#accept(downstream));
  }

  /** Listens on a free port of loopback. @param targetPort on loopback; nothing needs to listen there yet */
  static async start(targetPort: number): Promise<CutProxy> {
    // A side that closes is told to the other one, and at its time.
    const server = createServer({ allowHalfOpen: true });
    const proxy = new CutProxy(server, targetPort);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many connections were made to it. */
  get taken(): number {
    return this.#taken;
  }

  /** @param how `silent` as above; `reset` breaks every connection, also new ones, until `heal` */
  cut(how: CutKind): void {
    this.#cut = how;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  heal(): void {
    this.#cut = undefined;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  async close(): Promise<void> {
    for (const { downstream, upstream } of this.#pairs) {
      downstream.destroy();
      upstream?.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
  }

  #accept(downstream: Socket): void {
    const pair: Pair = { downstream, upstream: undefined };
    this.#pairs.add(pair);
    this.#taken += 1;
    downstream.pause();
    this.#watch(pair, downstream);
    this.#apply(pair);
  }

  #apply(pair: Pair): void {
    const { downstream } = pair;
    if (this.#cut === 'reset') {
      downstream.resetAndDestroy();
      pair.upstream?.resetAndDestroy();
    } else if (this.#cut === 'silent') {
      for (const socket of [downstream, pair.upstream]) {
        socket?.unpipe();
        socket?.pause();
      }
    } else {
      const upstream = (pair.upstream ??= this.#connect(pair));
      // Piped twice, bytes would arrive twice.
      downstream.unpipe().pipe(upstream);
      upstream.unpipe().pipe(downstream);
    }
  }

  #connect(pair: Pair): Socket {
    const upstream = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    this.#watch(pair, upstream);
    return upstream;
  }

  #watch(pair: Pair, socket: Socket): void {
    socket.setNoDelay(true);
    // Its end follows in `close`.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#pairs.delete(pair);
      // While cut, nothing arrives at a closed side: the other one learns of it at the latest from its next write.
      pair.downstream.destroy();
      pair.upstream?.destroy();
    });
  }
}

interface Pair {
  readonly downstream: Socket;
  /** Undefined as long as it is cut from the beginning. */
  upstream: Socket | undefined;
}
