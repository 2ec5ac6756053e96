import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../services/shared/adapters/project-root.js';
import { envoyBinary } from '../../services/shared/testing/servers/tools.js';
import { renderEnvoyConfig } from '../envoy/render-config.js';
import type { PortClaim, ProcessComponent } from './component.js';
import { instancesOf, type ServiceName } from './instances.js';
import type { MeshPorts, MeshSettings } from './mesh-settings.js';

const DRAIN_POLL_MS = 50;
const LONGEST_DRAIN_MS = 3_000;

/** Envoy in front of the services. `claim` makes the claim on one of the mesh's ports. */
export function envoyComponent(
  settings: MeshSettings,
  claim: (name: keyof MeshPorts, host?: string) => PortClaim,
  dependsOn: readonly string[],
): ProcessComponent {
  const { ports, listenHost, dataDir } = settings;
  const folder = join(dataDir, 'envoy');
  const configPath = join(folder, 'envoy.yaml');
  const admin = `http://127.0.0.1:${ports.envoyAdmin}`;
  const endpoints = (service: ServiceName) =>
    instancesOf(service, settings).map(({ port }) => ({ host: '127.0.0.1', port }));
  const publicPorts = ['envoy', 'threads', 'messenger', 'booking'] as const;
  return {
    kind: 'process',
    name: 'envoy',
    dependsOn,
    ports: [...publicPorts.map((name) => claim(name, listenHost)), claim('envoyAdmin')],
    server: {
      name: 'envoy',
      url: `http://127.0.0.1:${ports.envoy}`,
      port: ports.envoy,
      prepare: async () => {
        await mkdir(folder, { recursive: true });
        const config = renderEnvoyConfig({
          listenHost,
          port: ports.envoy,
          threadsPort: ports.threads,
          messengerPort: ports.messenger,
          bookingPort: ports.booking,
          adminPort: ports.envoyAdmin,
          threadCommand: endpoints('thread-command'),
          threadQuery: endpoints('thread-query'),
          descriptorSetPath: join(projectRoot, 'services', 'gen', 'descriptor.binpb'),
        });
        await writeFile(configPath, config);
      },
      command: () => ({
        command: envoyBinary(settings.envoyBinary),
        args: [
          ...['--config-path', configPath, '--log-level', 'warning', '--disable-hot-restart'],
          ...['--concurrency', String(settings.envoyConcurrency)],
          ...['--drain-time-s', String(LONGEST_DRAIN_MS / 1_000)],
          // The access log is looked at right after a call, not 10 s later.
          ...['--file-flush-interval-msec', '1000'],
        ],
      }),
      checkHealth: async () => {
        const answer = await ask('GET', `${admin}/ready`);
        if (!answer.startsWith('LIVE')) throw new Error(`its admin page says ${answer.trim()}`);
      },
    },
    beforeStop: () => drainEnvoy(ports.envoyAdmin),
  };
}

/**
 * To be done before SIGTERM, which alone would cut running requests: refuses new connections and lets the running requests
 * end, but not for ever.
 */
export async function drainEnvoy(adminPort: number): Promise<void> {
  const admin = `http://127.0.0.1:${adminPort}`;
  await ask('POST', `${admin}/healthcheck/fail`);
  await ask('POST', `${admin}/drain_listeners?graceful&skip_exit`);
  const deadline = Date.now() + LONGEST_DRAIN_MS;
  while ((await activeRequests(admin)) > 0 && Date.now() < deadline) await sleep(DRAIN_POLL_MS);
}

async function activeRequests(admin: string): Promise<number> {
  const stats = await ask('GET', `${admin}/stats?filter=^http\\..*downstream_rq_active$`);
  // One of them is this very question, to the admin page.
  const counts = stats.split('\n').filter((line) => !line.startsWith('http.admin.'));
  return counts.reduce((sum, line) => sum + (Number(line.split(': ')[1]) || 0), 0);
}

async function ask(method: 'GET' | 'POST', url: string): Promise<string> {
  const response = await fetch(url, { method, signal: AbortSignal.timeout(1_000) });
  return response.text();
}
