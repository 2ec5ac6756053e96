import { serveHttp, type HttpEndpoint } from '../process/http-endpoint.js';
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

/**
 * Serves the public halves of the keys that count at the moment, which anybody may have.
 * @throws Fault reason PORT_IN_USE
 */
export function serveJwks({ host, port, keys }: JwksServerOptions): Promise<HttpEndpoint> {
  // Whoever asks keeps it as long as it likes; what lies between must not.
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache' };
  return serveHttp({
    ...{ host, port, path: JWKS_PATH, methods: ['GET', 'HEAD'], maxConnections: 1_000 },
    taken: `cannot serve keys on ${host}:${port}`,
    answer: (response) => response.writeHead(200, headers).end(JSON.stringify(publicKeys(keys(), Date.now()))),
  });
}
