import { credentials, Metadata } from '@grpc/grpc-js';
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthClient,
} from '../../../gen/grpc/health/v1/health.js';
import { settings, settingsOrExit } from '../settings.js';
import { healthProbeSettings } from './settings.js';

// The image's HEALTHCHECK: asks the service in the same container, once. Exits with 0 when it is SERVING, else with 1 and
// a line that says what it is. (Kubernetes asks by itself.)
const DEADLINE_MS = 2_000;

const { grpcPort } = settingsOrExit(() => settings(healthProbeSettings));
const client = new HealthClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
client.check({ service: '' }, new Metadata(), { deadline: Date.now() + DEADLINE_MS }, (error, response) => {
  client.close();
  if (error === null && response.status === ServingStatus.SERVING) return;
  process.stderr.write(`${error === null ? `not serving (${response.status})` : error.message}\n`);
  process.exitCode = 1;
});
