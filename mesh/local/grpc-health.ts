import { credentials, Metadata } from '@grpc/grpc-js';
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthClient } from '../../gen/grpc/health/v1/health.js';

const DEADLINE_MS = 2_000;

/**
 * Asks grpc.health.v1 about the whole server, once, on a connection of its own: one kept from the last time might
 * still be backing off.
 * @throws Error when it does not answer SERVING
 */
export async function checkGrpcHealth(address: string): Promise<void> {
  const client = new HealthClient(address, credentials.createInsecure());
  try {
    const status = await new Promise<ServingStatus>((resolve, reject) => {
      client.check({ service: '' }, new Metadata(), { deadline: Date.now() + DEADLINE_MS }, (error, response) => {
        if (error) reject(error);
        else resolve(response.status);
      });
    });
    if (status !== ServingStatus.SERVING) throw new Error(`${address} answers, but is not serving (status ${status})`);
  } finally {
    client.close();
  }
}
