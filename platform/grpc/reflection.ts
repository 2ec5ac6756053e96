import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Metadata, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { servicesAddedBy } from './library-service.js';
import type { BoundService } from './unary-service.js';

/** Set by Envoy's route, which serves one API made of many processes. */
const MESH_REFLECTION_HEADER = 'x-mesh-reflection';

/** What belongs to operators, or is between services, no route of Envoy's leads to. */
const UNROUTED_PACKAGE = /\.(admin|internal)\./;

/** A reflection stream, as far as we look into it. */
interface ReflectionStream {
  readonly metadata: Metadata;
}
type ReflectionHandler = (stream: ReflectionStream) => void;

/**
 * Server reflection, v1 and v1alpha: a process lists the services that it serves, and through Envoy
 * (which sets MESH_REFLECTION_HEADER) those of the whole mesh that can be called through it.
 *
 * @param files FileDescriptorProtos of the whole API
 */
export function bindReflection(files: readonly Buffer[], servedNames: readonly string[]): BoundService[] {
  // The library takes what proto-loader makes, of which it reads only this.
  const api = { api: { fileDescriptorProtos: files } } as unknown as PackageDefinition;
  const own = servicesOf(new ReflectionService(api, { services: [...servedNames] }));
  const all = serviceNamesIn(files).filter((name) => !UNROUTED_PACKAGE.test(name));
  const mesh = servicesOf(new ReflectionService(api, { services: all }));
  return own.map(({ definition, implementation }, index) => {
    const [method] = Object.keys(implementation) as [string];
    const ownHandler = implementation[method] as ReflectionHandler;
    const meshHandler = mesh[index]?.implementation[method] as ReflectionHandler;
    const handler: ReflectionHandler = (stream) =>
      stream.metadata.get(MESH_REFLECTION_HEADER).length > 0 ? meshHandler(stream) : ownHandler(stream);
    return { definition, implementation: { [method]: handler } as unknown as UntypedServiceImplementation };
  });
}

function serviceNamesIn(files: readonly Buffer[]): string[] {
  return files.flatMap((bytes) => {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.service.map(({ name }) => (file.package === '' ? name : `${file.package}.${name}`));
  });
}

/** What the library looks symbols up in. */
interface SymbolIndex {
  readonly symbols: Record<string, unknown>;
}

/** The library knows a message that is in no package by a name with a dot before it; clients ask without the dot. */
function nameWithoutPackage({ symbols }: SymbolIndex): void {
  for (const name of Object.keys(symbols)) if (name.startsWith('.')) symbols[name.slice(1)] ??= symbols[name];
}

/** What the library would add to a server. */
function servicesOf(reflection: ReflectionService): BoundService[] {
  for (const version of Object.values(reflection as unknown as Record<string, SymbolIndex>))
    nameWithoutPackage(version);
  return servicesAddedBy((server) => reflection.addToServer(server));
}
