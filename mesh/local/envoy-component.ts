import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../platform/process/project-root.js';
import { envoyBinary } from '../servers/tools.js';
import { accessRules } from '../../services/access-rules.js';
import { openPathsOf } from '../envoy/open-paths.js';
import { renderEnvoyConfig, upstreams } from '../envoy/render-config.js';
import type { PortClaim, ProcessComponent } from './component.js';
import type { ServiceName } from '../services.js';
import { edgeCertificateFileOf } from './edge-certificate.js';
import { instancesOf } from './instances.js';
import { MeshError } from './mesh-error.js';
import type { MeshPorts, MeshSettings } from './mesh-settings.js';
import { edgeTokenFileOf } from './service-tokens.js';

const DRAIN_POLL_MS = 50;
const LONGEST_DRAIN_MS = 3_000;
/** Of Linux 107, of macOS 103. */
const LONGEST_SOCKET_PATH = 103;

/** Envoy in front of the services. `claim` makes the claim on one of the mesh's ports. */
export function envoyComponent(
  settings: Omit<MeshSettings, 'secrets'>,
  claim: (name: keyof MeshPorts, host?: string) => PortClaim,
  dependsOn: readonly string[],
): ProcessComponent {
  const { ports, listenHost, dataDir } = settings;
  const folder = join(dataDir, 'envoy');
  const configPath = join(folder, 'envoy.yaml');
  const admin = adminSocketOf(dataDir);
  const endpoints = (service: ServiceName) =>
    instancesOf(service, settings).map(({ port }) => ({ host: '127.0.0.1', port }));
  const publicPorts = ['envoy', 'tls', 'threads', 'messenger', 'booking'] as const;
  return {
    kind: 'process',
    name: 'envoy',
    dependsOn,
    ports: [...publicPorts.map((name) => claim(name, listenHost))],
    server: {
      name: 'envoy',
      url: `http://127.0.0.1:${ports.envoy}`,
      port: ports.envoy,
      prepare: async () => {
        checkSocketPath(admin);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const config = renderEnvoyConfig({
          listenHost,
          port: ports.envoy,
          threadsPort: ports.threads,
          messengerPort: ports.messenger,
          bookingPort: ports.booking,
          tls: { port: ports.tls, certificateFile: edgeCertificateFileOf(dataDir) },
          adminPort: 0,
          adminSocket: admin,
          upstreams: upstreams(endpoints),
          tracing: settings.tracing,
          maxConnectionsPerAddress: settings.envoyMaxConnectionsPerAddress,
          maxCallsPerSecondOfAddress: settings.envoyMaxCallsPerSecondOfAddress,
          maxCallsPerSecondOfSubject: settings.envoyMaxCallsPerSecondOfSubject,
          descriptorSetPath: join(projectRoot, 'gen', 'descriptor.binpb'),
          ...(settings.auth === 'jwt' && {
            tokens: {
              jwks: instancesOf('account', settings).map(({ portNames }) => ({
                host: '127.0.0.1',
                port: ports[portNames.jwks ?? 'accountJwks'],
              })),
              openPaths: openPathsOf(accessRules),
              tokenlessPorts: (settings.tokenlessPorts ?? []).map((name) => ports[name]),
              serviceTokenFile: edgeTokenFileOf(dataDir),
              keysEverySeconds: settings.keysEverySeconds,
            },
          }),
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
        const answer = await ask('GET', admin, '/ready');
        if (!answer.startsWith('LIVE')) throw new Error(`its admin page says ${answer.trim()}`);
      },
    },
    beforeStop: () => drainEnvoy(admin),
  };
}

/**
 * To be done before SIGTERM, which alone would cut running requests: refuses new connections and lets the running requests
 * end, but not for ever.
 * @param admin the socket of its admin page
 */
export async function drainEnvoy(admin: string): Promise<void> {
  await ask('POST', admin, '/healthcheck/fail');
  await ask('POST', admin, '/drain_listeners?graceful&skip_exit');
  const deadline = performance.now() + LONGEST_DRAIN_MS;
  while ((await activeRequests(admin)) > 0 && performance.now() < deadline) await sleep(DRAIN_POLL_MS);
}

async function activeRequests(admin: string): Promise<number> {
  const stats = await ask('GET', admin, '/stats?filter=^http\\..*downstream_rq_active$');
  // One of them is this very question, to the admin page.
  const counts = stats.split('\n').filter((line) => !line.startsWith('http.admin.'));
  return counts.reduce((sum, line) => sum + (Number(line.split(': ')[1]) || 0), 0);
}

/**
 * Where Envoy's admin page is, which can stop Envoy: a socket, that neither another user of this machine nor a page in
 * a browser reaches. By hand: `curl --unix-socket .data/envoy/admin.sock localhost/stats`.
 */
export function adminSocketOf(dataDir: string): string {
  return join(dataDir, 'envoy', 'admin.sock');
}

/** @throws MeshError when no socket can be there */
function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return;
  throw new MeshError(
    `${path} is too long for the path of a socket (${LONGEST_SOCKET_PATH} bytes): set DATA_DIR to a shorter folder.`,
  );
}

/** Asks Envoy's admin page on its socket. */
export async function askEnvoyAdmin(method: 'GET' | 'POST', socketPath: string, path: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path, host: 'localhost', timeout: 1_000 }, (answer) => {
      answer.on('error', reject);
      text(answer).then((body) => resolve(new Response(body, { status: answer.statusCode ?? 500 })), reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('its admin page does not answer')));
    asked.on('error', reject);
    asked.end();
  });
}

async function ask(method: 'GET' | 'POST', socketPath: string, path: string): Promise<string> {
  return (await askEnvoyAdmin(method, socketPath, path)).text();
}
