import { Environment } from '../environment.js';

/** Settings of the probe. */
export interface HealthProbeConfig {
  /** GRPC_PORT: of the service beside it, on loopback. @default 50051 */
  readonly grpcPort: number;
}

/** @throws Fault reason INVALID_SETTING naming the variable */
export function readHealthProbeConfig(variables = process.env): HealthProbeConfig {
  return { grpcPort: new Environment(variables).port('GRPC_PORT', 50_051) };
}
