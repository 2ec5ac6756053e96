import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import {
  type CreateThreadResponse,
  ThreadRestCommandServiceService,
} from '../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import { freePort } from '../servers/free-ports.js';
import { waitUntilHealthy } from '../servers/wait-until-healthy.js';
import { keepEdgeCertificate } from './edge-certificate.js';
import { adminSocketOf, askEnvoyAdmin, envoyComponent } from './envoy-component.js';
import { type MeshPorts, portSettings } from './mesh-settings.js';
import { startComponents } from './start-components.js';

describe("Envoy's drain", () => {
  it('lets a running request end, and then ends', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-drain-'));
    const ports = {} as Record<keyof MeshPorts, number>;
    for (const name of Object.keys(portSettings) as (keyof MeshPorts)[]) ports[name] = await freePort();

    let answer: (() => void) | undefined;
    const backend = new Server();
    new HealthImplementation({ '': 'SERVING' }).addToServer(backend);
    backend.addService(ThreadRestCommandServiceService, {
      createThread: (_call: unknown, callback: (error: null, response: CreateThreadResponse) => void) => {
        answer = () => callback(null, { createdThreadId: 'slow', documentedThreadId: 'slow', errorMessages: [] });
      },
    });
    await new Promise<void>((resolve, reject) => {
      const bound = (error: Error | null) => (error === null ? resolve() : reject(error));
      backend.bindAsync(`127.0.0.1:${ports.threadCommand}`, ServerCredentials.createInsecure(), bound);
    });
    const settings = {
      ports,
      dataDir,
      listenHost: '127.0.0.1',
      envoyConcurrency: 1,
      showAllLogs: false,
      instances: 1,
      natsNodes: 1 as const,
    };
    const claim = (name: keyof MeshPorts) => ({ port: ports[name], purpose: name, variable: name });
    const forgetCertificate = await keepEdgeCertificate(dataDir, undefined, assert.ifError);
    const running = await startComponents([envoyComponent(settings, claim, [])], { dataDir });
    try {
      const url = `http://127.0.0.1:${ports.envoy}/v1/threads/create`;
      const response = fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
      await waitUntilHealthy('the request', async () => assert.ok(answer, 'it has not arrived'));

      let isStopped = false;
      const stopped = running.stop().then(() => (isStopped = true));
      await waitUntilHealthy('the drain', async () => {
        const ready = await askEnvoyAdmin('GET', adminSocketOf(dataDir), '/ready');
        assert.equal(ready.status, 503);
      });
      assert.equal(isStopped, false);
      answer?.();
      assert.equal((await response).status, 200);
      assert.match(await (await response).text(), /slow/);
      await stopped;
    } finally {
      forgetCertificate();
      await running.stop();
      backend.forceShutdown();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
