import { type PortPurpose, type ServiceManifest, type ServiceName, services } from '../services.js';
import { portName, type MeshPorts, type MeshSettings } from './mesh-settings.js';

/** One process of a service. */
export interface Instance {
  /** The service's name for the first, then `thread-command-2` and so on. */
  readonly name: string;
  /** Its gRPC port. */
  readonly port: number;
  /** Every port that it listens on, by what for, as the mesh's settings name it. */
  readonly portNames: Readonly<Partial<Record<PortPurpose, keyof MeshPorts>>>;
}

/** All instances of a service: as many as `instances` says, or as it may have. */
export function instancesOf(
  service: ServiceName,
  { instances, ports }: Pick<MeshSettings, 'instances' | 'ports'>,
): Instance[] {
  const manifest: ServiceManifest = services[service];
  const purposes = Object.keys(manifest.ports) as PortPurpose[];
  return Array.from({ length: Math.min(instances, manifest.maxInstances) }, (_, index) => {
    const number = index + 1;
    return {
      name: number === 1 ? service : `${service}-${number}`,
      port: ports[portName(service, 'grpc', number)],
      portNames: Object.fromEntries(purposes.map((purpose) => [purpose, portName(service, purpose, number)])),
    };
  });
}
