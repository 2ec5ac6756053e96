import { type ServiceManifest, type ServiceName, services } from '../services.js';
import type { MeshPorts, MeshSettings } from './mesh-settings.js';

/** One process of a service. */
export interface Instance {
  /** The service's name for the first, then `thread-command-2` and so on. */
  readonly name: string;
  readonly portName: keyof MeshPorts;
  readonly port: number;
  /** Where it serves what is for operators only, of those that have that. */
  readonly adminPortName?: keyof MeshPorts;
  /** Where it serves public keys, of those that have that. */
  readonly jwksPortName?: keyof MeshPorts;
}

/** All instances of a service: as many as `instances` says, or as it may have. */
export function instancesOf(
  service: ServiceName,
  { instances, ports }: Pick<MeshSettings, 'instances' | 'ports'>,
): Instance[] {
  const { portName: firstPort, adminPort, jwksPort, maxInstances }: ServiceManifest = services[service];
  const count = Math.min(instances, maxInstances);
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const suffix = number === 1 ? '' : String(number);
    const portName = `${firstPort}${suffix}` as keyof MeshPorts;
    const name = number === 1 ? service : `${service}-${number}`;
    const adminPortName = `${firstPort}Admin${suffix}` as keyof MeshPorts;
    const jwksPortName = `${firstPort}Jwks${suffix}` as keyof MeshPorts;
    return {
      ...{ name, portName, port: ports[portName] },
      ...(adminPort !== undefined && { adminPortName }),
      ...(jwksPort !== undefined && { jwksPortName }),
    };
  });
}
