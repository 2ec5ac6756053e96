import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, status, type StatusObject } from '@grpc/grpc-js';
import type { Admission, Caller } from '../../mesh/envoy/access-expectations.js';
import { descriptorSetPath } from '../../platform/grpc/descriptor-set.js';
import { KEY_RING_FILE, readKeyRing } from '../../platform/identity/key-ring-file.js';
import { REFRESH_AUDIENCE } from '../../platform/identity/token.js';
import { TokenSigner } from '../../platform/identity/token-signer.js';

export const ACCOUNT = '01DB5QXD4NP0XQTV92K42B3XBF';
export const OTHER_ACCOUNT = '01DB5QXD4NP0XQTV92K42B3XBG';

/** Signs by the keys of a mesh. */
export function signerOf({ dataDir }: { readonly dataDir: string }): TokenSigner {
  return new TokenSigner({ keys: () => readKeyRing(join(dataDir, KEY_RING_FILE)) });
}

/** What each caller sends beside the request. */
export async function headersOf(signer: TokenSigner, caller: Caller): Promise<Readonly<Record<string, string>>> {
  const bearer = async (claims: Parameters<TokenSigner['sign']>[0]) => ({
    authorization: `Bearer ${await signer.sign(claims)}`,
  });
  const service = () => bearer({ subject: 'service:test', roles: ['service'] });
  switch (caller) {
    case 'nobody':
      return {};
    case 'the account':
      return bearer({ subject: ACCOUNT });
    case 'another account':
      return bearer({ subject: OTHER_ACCOUNT });
    case 'an administrator':
      return bearer({ subject: OTHER_ACCOUNT, roles: ['administrator'] });
    case 'a service for the account':
      return service();
    case 'a service for another account':
      return { ...(await service()), 'x-acting-for': OTHER_ACCOUNT };
    case 'the account with a token that is over':
      return bearer({ subject: ACCOUNT, lifeMs: -60_000 });
    case 'the account with a token for refreshing':
      return bearer({ subject: ACCOUNT, audience: REFRESH_AUDIENCE });
  }
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath())));

/** The paths of every method of the API. */
export function methodPaths(): string[] {
  const services = [...registry].filter((type) => type.kind === 'service');
  return services.flatMap(({ typeName, methods }) => methods.map(({ name }) => `/${typeName}/${name}`));
}

/** A request of a method that says nothing but for whom it is. */
export function requestFor(path: string, field: string, account: string): Buffer {
  const [, service = '', method = ''] = path.split('/');
  const input = registry.getService(service)?.methods.find(({ name }) => name === method)?.input;
  if (input === undefined) return Buffer.alloc(0);
  const isText = input.fields.some(({ localName, fieldKind }) => localName === field && fieldKind === 'scalar');
  const value = isText ? account : { kind: { case: 'stringValue', value: account } };
  return Buffer.from(toBinary(input, create(input, { [field]: value } as MessageInitShape<DescMessage>)));
}

/** Calls a method of any kind; settles with its status, or with OK as soon as something comes. */
export function call(
  client: Client,
  path: string,
  request: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<Pick<StatusObject, 'code' | 'details' | 'metadata'>> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const same = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(path, same, same, metadata, { deadline: Date.now() + 20_000 });
  return new Promise((resolve) => {
    stream.on('data', () => {
      resolve({ code: status.OK, details: '', metadata: new Metadata() });
      stream.cancel();
    });
    stream.on('status', resolve);
    stream.on('error', () => undefined);
    stream.write(request);
    stream.end();
  });
}

/** What a status says of the caller. */
export function admissionOf({ code }: { readonly code: status }): Admission {
  if (code === status.UNAUTHENTICATED) return 'unauthenticated';
  return code === status.PERMISSION_DENIED ? 'denied' : 'let in';
}

export const openClient = (port: number): Client => new Client(`127.0.0.1:${port}`, credentials.createInsecure());
