import { port } from '../settings.js';

/** Settings of the probe. */
export const healthProbeSettings = {
  grpcPort: port('GRPC_PORT', { default: 50_051 }, 'port of the service beside it, on loopback'),
};
