import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const protoFolder = join(dirname(createRequire(import.meta.url).resolve('@grpc/reflection')), '..', 'proto');

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorMessage: string };
}
type ReflectionStream = ClientDuplexStream<object, ReflectionAnswer>;

/** The names of the services that a server lists, as `grpcurl list` asks for them. */
export async function listServices(authority: string, version: 'v1' | 'v1alpha' = 'v1'): Promise<string[]> {
  const answer = await ask(authority, version, { listServices: '' });
  return (answer.listServicesResponse?.service ?? []).map(({ name }) => name);
}

/**
 * The encoded FileDescriptorProtos that declare a symbol, as `grpcurl describe` asks for them.
 * @throws Error with the server's message when it does not know the symbol
 */
export async function describeSymbol(
  authority: string,
  symbol: string,
  version: 'v1' | 'v1alpha' = 'v1',
): Promise<readonly Buffer[]> {
  const answer = await ask(authority, version, { fileContainingSymbol: symbol });
  if (answer.errorResponse) throw new Error(answer.errorResponse.errorMessage);
  return answer.fileDescriptorResponse?.fileDescriptorProto ?? [];
}

async function ask(authority: string, version: 'v1' | 'v1alpha', request: object): Promise<ReflectionAnswer> {
  const definition = loadSync(join(protoFolder, 'grpc', 'reflection', version, 'reflection.proto'));
  const packages = loadPackageDefinition(definition) as unknown as {
    grpc: { reflection: Record<string, { ServerReflection: ServiceClientConstructor }> };
  };
  const Client = packages.grpc.reflection[version]?.ServerReflection;
  if (Client === undefined) throw new Error(`no reflection ${version}`);
  const client = new Client(authority, credentials.createInsecure());
  const open = (client as unknown as { serverReflectionInfo: () => ReflectionStream }).serverReflectionInfo;
  const stream = open.call(client);
  try {
    return await new Promise<ReflectionAnswer>((resolve, reject) => {
      stream.once('data', resolve);
      stream.once('error', reject);
      stream.write(request);
    });
  } finally {
    stream.on('error', () => undefined);
    stream.end();
    client.close();
  }
}
