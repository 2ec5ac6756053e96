import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { followKeyRing, KEY_RING_FILE } from '../../platform/identity/key-ring-file.js';
import { ACCESS_TOKEN_LIFE_MS, SERVICE_PREFIX } from '../../platform/identity/token.js';
import { TokenSigner } from '../../platform/identity/token-signer.js';
import { writeWholeFile } from '../../platform/process/write-whole-file.js';
import { secretFile } from '../envoy/endpoint.js';
import { type ServiceName, serviceNames } from '../services.js';

const FOLDER = 'tokens';
/** As the secret discovery of Envoy reads it. */
const EDGE_FILE = 'edge.json';

/** Where a service finds what proves who it is. */
export function serviceTokenFileOf(dataDir: string, service: ServiceName): string {
  return join(dataDir, FOLDER, `${service}.jwt`);
}

/** Where Envoy finds its own. */
export function edgeTokenFileOf(dataDir: string): string {
  return join(dataDir, FOLDER, EDGE_FILE);
}

/**
 * Signs a token for each service and for Envoy, and a new one long before that is over.
 * @returns what ends it
 */
export async function keepServiceTokens(dataDir: string): Promise<() => void> {
  mkdirSync(join(dataDir, FOLDER), { recursive: true, mode: 0o700 });
  const ring = followKeyRing(join(dataDir, KEY_RING_FILE), () => undefined);
  const signer = new TokenSigner({ keys: () => ring.value });
  const tokenOf = (name: string): Promise<string> =>
    signer.sign({ subject: `${SERVICE_PREFIX}${name}`, roles: ['service'] });
  const write = async (): Promise<void> => {
    for (const service of serviceNames) writeWholeFile(serviceTokenFileOf(dataDir, service), await tokenOf(service));
    const token = { generic_secret: { secret: { inline_string: `Bearer ${await tokenOf('edge')}` } } };
    writeWholeFile(edgeTokenFileOf(dataDir), secretFile('service-token', token));
  };
  await write();
  // A folder that is full, for one, does not end the mesh: there is another turn before the tokens are over.
  const timer = setInterval(() => void write().catch(() => undefined), ACCESS_TOKEN_LIFE_MS / 4).unref();
  return () => {
    clearInterval(timer);
    ring.close();
  };
}
