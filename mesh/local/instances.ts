import type { MeshPorts, MeshSettings } from './mesh-settings.js';

/** The services that run in several instances. */
export type ServiceName = 'thread-command' | 'thread-query' | 'thread-projector';

/** One process of a service. */
export interface Instance {
  /** The service's name for the first, then `thread-command-2` and so on. */
  readonly name: string;
  readonly portName: keyof MeshPorts;
  readonly port: number;
  /** Where it serves what is for operators only, of those that have that. */
  readonly adminPortName?: keyof MeshPorts;
}

const firstPorts = {
  'thread-command': 'threadCommand',
  'thread-query': 'threadQuery',
  'thread-projector': 'threadProjector',
} as const satisfies Record<ServiceName, keyof MeshPorts>;

/** All instances of a service: as many as `instances` says of thread-command, and at most two of the others. */
export function instancesOf(
  service: ServiceName,
  { instances, ports }: Pick<MeshSettings, 'instances' | 'ports'>,
): Instance[] {
  const count = service === 'thread-command' ? instances : Math.min(instances, 2);
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const portName = (number === 1 ? firstPorts[service] : `${firstPorts[service]}${number}`) as keyof MeshPorts;
    const name = number === 1 ? service : `${service}-${number}`;
    const adminPortName = portName.replace('threadCommand', 'threadCommandAdmin') as keyof MeshPorts;
    return { name, portName, port: ports[portName], ...(service === 'thread-command' && { adminPortName }) };
  });
}
