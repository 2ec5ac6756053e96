import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../kernel/fault.js';
import { publicKeys, type KeyRing } from './key-ring.js';

/** Where the public keys are, as OpenID Connect has it. */
export const JWKS_PATH = '/.well-known/jwks.json';

export interface JwksServerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The ring as it is at the moment. */
  readonly keys: () => KeyRing;
}

export interface JwksServer {
  readonly port: number;
  /** Ends it, and requests under way with it. */
  close(): Promise<void>;
}

/**
 * Serves the public halves of the keys that count at the moment, which anybody may have.
 * @throws Fault reason PORT_IN_USE
 */
export async function serveJwks({ host, port, keys }: JwksServerOptions): Promise<JwksServer> {
  const answer: RequestListener = (request, response) => {
    if (request.url?.split('?', 1)[0] !== JWKS_PATH) return void response.writeHead(404).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    }
    // Whoever asks keeps it as long as it likes; what lies between must not.
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache' };
    response.writeHead(200, headers).end(JSON.stringify(publicKeys(keys(), Date.now())));
  };
  const server = createServer(answer);
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 1_000;
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening');
  } catch (error) {
    throw new Fault('unavailable', 'PORT_IN_USE', `cannot serve keys on ${host}:${port}`, { cause: error });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
