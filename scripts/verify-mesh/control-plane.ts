import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServer, type RunningServer } from '../../mesh/servers/start-server.js';
import { run, tryRun, type Output } from './run.js';
import { CONTROL_PLANE_IP, tools } from './tools.js';

/** An API server, with what Kubernetes has it know of; nothing schedules or runs pods. */
export interface ApiServer {
  /** Runs kubectl against it; a failure is an error. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** The same; a failure is a value. */
  tryKubectl(args: readonly string[], input?: string): Promise<Output>;
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

/** Starts etcd and kube-apiserver in `folder` and installs Istio's kinds. */
export async function startApiServer(folder: string): Promise<ApiServer> {
  const etcd = await startServer({
    name: 'etcd',
    url: 'http://127.0.0.1:2379',
    port: 2379,
    command: () => ({
      command: tools.etcd,
      args: ['--data-dir', join(folder, 'etcd'), '--log-level', 'error', '--unsafe-no-fsync'],
    }),
    checkHealth: async () => expectOk('http://127.0.0.1:2379/health'),
  });
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const file = (name: string) => join(folder, name);
  await writeFile(file('sa.pub'), publicKey);
  await writeFile(file('sa.key'), privateKey);
  await writeFile(file('tokens.csv'), 'verify-mesh,admin,admin,"system:masters"\n');
  const url = `https://${CONTROL_PLANE_IP}:6443`;
  await writeFile(
    file('kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'verify', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'admin', user: { token: 'verify-mesh' } }],
      contexts: [{ name: 'verify', context: { cluster: 'verify', user: 'admin' } }],
      'current-context': 'verify',
    }),
  );
  const options = ['--kubeconfig', file('kubeconfig')];
  const tryKubectl = (args: readonly string[], input?: string) =>
    tryRun(tools.kubectl, [...options, ...args], { input });
  const kubectl = async (args: readonly string[], input?: string) =>
    (await run(tools.kubectl, [...options, ...args], { input })).stdout;
  const server = await startServer({
    name: 'kube-apiserver',
    url,
    port: 6443,
    command: () => ({
      command: tools.kubeApiserver,
      args: [
        '--etcd-servers=http://127.0.0.1:2379',
        `--bind-address=${CONTROL_PLANE_IP}`,
        `--advertise-address=${CONTROL_PLANE_IP}`,
        '--secure-port=6443',
        `--cert-dir=${file('certificates')}`,
        '--service-cluster-ip-range=10.96.0.0/16',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${file('sa.pub')}`,
        `--service-account-signing-key-file=${file('sa.key')}`,
        '--api-audiences=https://kubernetes.default.svc,istio-ca',
        '--authorization-mode=AlwaysAllow',
        `--token-auth-file=${file('tokens.csv')}`,
        '--v=1',
      ],
    }),
    checkHealth: async () => void (await kubectl(['get', '--raw', '/readyz'])),
  });
  // Too large for what client-side apply writes into an annotation.
  await kubectl(['apply', '--server-side', '-f', tools.crds]);
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
  return {
    kubectl,
    tryKubectl,
    kubeconfig: file('kubeconfig'),
    stop: async () => {
      await server.stop();
      await etcd.stop();
    },
  };
}

// Stock Envoy lacks the extensions of Istio's own build: metadata exchange and ALPN filters, and `istio.stats`.
const FOR_STOCK_ENVOY = { PILOT_ENABLE_METADATA_EXCHANGE: 'false', PILOT_ENABLE_ALPN_FILTER: 'false' };

/** Starts istiod, with its own certificate authority, on that API server. */
export async function startIstiod(folder: string, api: ApiServer): Promise<RunningServer> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'mesh.json'),
    JSON.stringify({
      rootNamespace: 'istio-system',
      trustDomain: 'cluster.local',
      enablePrometheusMerge: false,
      defaultProviders: {},
      // /dev/stdout cannot be opened where stdout is a socket, as it is of children of Node.
      extensionProviders: [{ name: 'envoy', envoyFileAccessLog: { path: './access.log' } }],
      defaultConfig: { discoveryAddress: `${CONTROL_PLANE_IP}:15012` },
    }),
  );
  return startServer({
    name: 'istiod',
    url: `http://${CONTROL_PLANE_IP}:15010`,
    port: 15010,
    command: () => ({
      command: '/bin/sh',
      args: [
        ...['-c', 'cd "$1" && shift && exec "$@"', 'sh', folder],
        ...[tools.pilotDiscovery, 'discovery', '--kubeconfig', api.kubeconfig, '--meshConfig', 'mesh.json'],
        ...['--log_output_level', 'default:warn', '--httpAddr', `${CONTROL_PLANE_IP}:8081`],
      ],
      env: {
        ...FOR_STOCK_ENVOY,
        POD_NAMESPACE: 'istio-system',
        POD_NAME: 'istiod-0',
        CLUSTER_ID: 'Kubernetes',
        INJECT_ENABLED: 'false',
        // Tests change policies often: tell proxies at once.
        PILOT_DEBOUNCE_AFTER: '20ms',
        PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '1m',
      },
    }),
    checkHealth: async () => expectOk(`http://${CONTROL_PLANE_IP}:8081/ready`),
  });
}

async function expectOk(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
}
