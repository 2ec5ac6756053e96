import type {
  Metadata,
  Server,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { BoundService } from './unary-service.js';

/** Set by Envoy's route, which serves one API made of many processes. */
export const MESH_REFLECTION_HEADER = 'x-mesh-reflection';

type ReflectionStream = ServerDuplexStream<ReflectionRequest, unknown>;
interface ReflectionRequest {
  fileContainingSymbol?: string;
}

/**
 * Server reflection, v1 and v1alpha: a process lists the services that it serves, and through Envoy
 * (which sets MESH_REFLECTION_HEADER) those of the whole mesh.
 */
export function bindReflection(api: PackageDefinition, servedNames: readonly string[]): BoundService[] {
  const files = Object.fromEntries(
    Object.values(api)
      .flatMap((definition) => ('fileDescriptorProtos' in definition ? [definition] : []))
      .slice(0, 1)
      .map((definition) => ['api', definition]),
  ) as PackageDefinition;
  const own = servicesOf(new ReflectionService(files, { services: [...servedNames] }));
  const mesh = servicesOf(new ReflectionService(files));
  return own.map(({ definition, implementation }, index) => {
    const [method] = Object.keys(implementation) as [string];
    const handlerFor = (metadata: Metadata): ((stream: ReflectionStream) => void) =>
      (metadata.get(MESH_REFLECTION_HEADER).length > 0 ? mesh[index] : { implementation })?.implementation[method] as (
        stream: ReflectionStream,
      ) => void;
    return {
      definition,
      implementation: { [method]: (stream: ReflectionStream) => handlerFor(stream.metadata)(stream) },
    };
  });
}

/** What the library would add to a server. */
function servicesOf(reflection: ReflectionService): BoundService[] {
  const bound: BoundService[] = [];
  const collector = {
    addService: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) =>
      void bound.push({ definition, implementation }),
  };
  reflection.addToServer(collector as unknown as Server);
  return bound;
}
