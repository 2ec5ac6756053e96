import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { generate } from 'selfsigned';
import { toError } from '../../platform/kernel/fault.js';
import { FollowedFile } from '../../platform/process/followed-file.js';
import { writeWholeFile } from '../../platform/process/write-whole-file.js';
import { certificateSecret } from '../envoy/render-config.js';
import { MeshError } from './mesh-error.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
const LIFE_MS = 365 * DAY_MS;
/** A certificate that is over sooner than this is made anew at the next start. */
const RENEWAL_MS = 30 * DAY_MS;

/** What Envoy shows those who come by TLS, each a path to a PEM file. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Where the certificate is that a mesh in this folder made for itself. */
export function ownCertificateOf(dataDir: string): CertificateFiles {
  return { certificate: join(dataDir, 'tls', 'certificate.pem'), key: join(dataDir, 'tls', 'key.pem') };
}

/** Where Envoy finds its certificate and key. */
export function edgeCertificateFileOf(dataDir: string): string {
  return join(dataDir, 'envoy', 'certificate.json');
}

/**
 * Hands Envoy the certificate in these files, and again whenever they change. What does not fit together it is not
 * given; `onTrouble` is told, and the one before goes on.
 * @param files @default a certificate of the mesh's own, which nobody vouches for
 * @returns what ends it
 * @throws MeshError when there is no certificate to begin with
 */
export async function keepEdgeCertificate(
  dataDir: string,
  files: CertificateFiles | undefined,
  onTrouble: (error: Error) => void,
): Promise<() => void> {
  const { certificate, key } = files ?? (await ownCertificate(dataDir));
  const target = edgeCertificateFileOf(dataDir);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const hand = (): void => writeWholeFile(target, certificateSecret(...readPair({ certificate, key })));
  try {
    hand();
  } catch (error) {
    throw new MeshError(toError(error).message);
  }
  const followed = [certificate, key].map((path) => new FollowedFile({ path, parse: hand, onTrouble }));
  return () => {
    for (const file of followed) file.close();
  };
}

/** @throws Error that says which file is wrong */
function readPair({ certificate, key }: CertificateFiles): [certificate: string, key: string] {
  const read = <Value>(path: string, parse: (text: string) => Value): [string, Value] => {
    try {
      const text = readFileSync(path, 'utf8');
      return [text, parse(text)];
    } catch (error) {
      throw new Error(`${path} cannot be used for TLS: ${toError(error).message}`, { cause: error });
    }
  };
  const [certificateText, parsed] = read(certificate, (text) => new X509Certificate(text));
  const [keyText, parsedKey] = read(key, createPrivateKey);
  if (!parsed.checkPrivateKey(parsedKey)) throw new Error(`${key} is not the key of the certificate ${certificate}`);
  return [certificateText, keyText];
}

async function ownCertificate(dataDir: string): Promise<CertificateFiles> {
  const files = ownCertificateOf(dataDir);
  if (isGoodFor(RENEWAL_MS, files)) return files;
  mkdirSync(dirname(files.key), { recursive: true, mode: 0o700 });
  const made = await generate([{ name: 'commonName', value: 'Thread Weaver on this machine' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + LIFE_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 2, value: hostname() },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  writeWholeFile(files.key, made.private);
  writeWholeFile(files.certificate, made.cert);
  return files;
}

function isGoodFor(ms: number, files: CertificateFiles): boolean {
  try {
    const [certificate] = readPair(files);
    return new X509Certificate(certificate).validToDate.getTime() > Date.now() + ms;
  } catch {
    // None, or half of it: a start that was cut off.
    return false;
  }
}
