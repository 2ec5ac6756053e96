import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { Fault } from '../kernel/fault.js';
import { Shares } from '../process/shares.js';
import { networkOf } from './client-address.js';

export interface BoundedListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Connections at once. */
  readonly maxConnections: number;
  /** Connections of one address (of IPv6, of one /64) at once. */
  readonly maxConnectionsPerPeer: number;
  /** Takes a connection on. */
  readonly onConnection: (socket: Socket) => void;
}

/** Listens for connections, and closes at once those that are too many, of one peer or in all. */
export class BoundedListener {
  readonly #server: NetServer;
  readonly #peers: Shares;

  constructor(private readonly options: BoundedListenerOptions) {
    this.#peers = new Shares(options.maxConnectionsPerPeer);
    this.#server = createServer({ noDelay: true }, (socket) => this.#take(socket));
    this.#server.maxConnections = options.maxConnections;
  }

  /** @returns the port @throws Fault kind `unavailable` when it is taken */
  async listen(): Promise<number> {
    const { host, port } = this.options;
    const failed = new Promise<never>((_, reject) => this.#server.once('error', reject));
    try {
      this.#server.listen(port, host);
      await Promise.race([once(this.#server, 'listening'), failed]);
    } catch (error) {
      throw new Fault('unavailable', 'PORT_IN_USE', `cannot listen on ${host}:${port}`, { cause: error });
    }
    // A connection that cannot be accepted (no file left) is one connection's trouble.
    this.#server.on('error', () => undefined);
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Takes no more connections; those that it has taken go on. @returns when they have all ended */
  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(socket: Socket): void {
    const leave = this.#peers.take(networkOf(socket.remoteAddress ?? 'unknown'));
    if (leave === undefined) return void socket.destroy();
    socket.once('close', leave);
    this.options.onConnection(socket);
  }
}
