import { createPrivateKey } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { startServer, type RunningServer } from '../../mesh/servers/start-server.js';
import { envoyBinary } from '../../mesh/servers/tools.js';
import { run } from './run.js';
import type { ApiServer } from './control-plane.js';
import { CONTROL_PLANE_IP, tools } from './tools.js';

/** A pod as far as a mesh sees it: an address, an identity, labels, and a proxy. */
export interface Pod {
  readonly name: string;
  /** One of 10.77.0.0/16. */
  readonly ip: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An identity in the mesh, as PEM. */
export interface Certificates {
  readonly ca: Buffer;
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A pod's proxy: pilot-agent with its Envoy. */
export interface Proxy {
  readonly pod: Pod;
  /** What of Envoy's admin interface answers at `path`. */
  admin(path: string): Promise<string>;
  /** What its Envoy wrote into its access log so far. */
  accessLog(): Promise<string>;
  /** What a gRPC client needs to speak with this pod's identity to others, without its proxy. */
  identity(): Promise<ChannelCredentials>;
  /** The same as PEM, for other clients. */
  certificates(): Promise<Certificates>;
  stop(): Promise<void>;
}

/** Tells the API server of a running pod, and makes its address exist. */
export async function announcePod(api: ApiServer, pod: Pod): Promise<void> {
  await run('ip', ['addr', 'replace', `${pod.ip}/16`, 'dev', 'lo']);
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: 'threadweaver', labels: pod.labels },
    spec: {
      serviceAccountName: pod.serviceAccount,
      automountServiceAccountToken: false,
      nodeName: 'here',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'app',
          image: 'none',
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(manifest));
  const ready = { type: 'Ready', status: 'True' };
  const status = { phase: 'Running', podIP: pod.ip, podIPs: [{ ip: pod.ip }], hostIP: CONTROL_PLANE_IP };
  const patch = JSON.stringify({ status: { ...status, conditions: [ready] } });
  const target = ['pod', pod.name, '-n', 'threadweaver', '--subresource=status'];
  await api.kubectl(['patch', ...target, '--type=merge', '-p', patch]);
}

/** What the endpoint controller would write: these pods stand behind that service. */
export async function setEndpoints(
  api: ApiServer,
  service: string,
  port: { readonly name: string; readonly number: number },
  pods: readonly Pod[],
): Promise<void> {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, namespace: 'threadweaver', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: port.name, port: port.number, protocol: 'TCP' }],
    endpoints: pods.map(({ name, ip }) => ({
      addresses: [ip],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name, namespace: 'threadweaver' },
    })),
  };
  await api.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(slice));
}

let lastPort = 16_000;
const nextPort = () => (lastPort += 1);

/**
 * Starts pilot-agent as it runs in a pod, with stock Envoy.
 * @param role `router` for the gateway, `sidecar` for services
 */
export async function startProxy(api: ApiServer, folder: string, role: string, pod: Pod): Promise<Proxy> {
  const home = join(folder, pod.name);
  await mkdir(join(home, 'var/run/secrets/tokens'), { recursive: true });
  await mkdir(join(home, 'certificates'), { recursive: true });
  const token = await api.kubectl([
    ...['create', 'token', pod.serviceAccount, '-n', 'threadweaver', '--audience', 'istio-ca'],
    ...['--bound-object-kind', 'Pod', '--bound-object-name', pod.name],
  ]);
  await writeFile(join(home, 'var/run/secrets/tokens/istio-token'), token.trim());
  const root = ['get', 'secret', 'istio-ca-secret', '-n', 'istio-system', '-o', 'jsonpath={.data.ca-cert\\.pem}'];
  await writeFile(join(home, 'root.pem'), Buffer.from(await api.kubectl(root), 'base64'));
  const [adminPort, statusPort, readyPort, metricsPort] = [nextPort(), nextPort(), nextPort(), nextPort()];
  const proxyConfig = {
    discoveryAddress: `${CONTROL_PLANE_IP}:15012`,
    binaryPath: envoyBinary(process.env.ENVOY_BIN),
    configPath: './etc/istio/proxy',
    proxyBootstrapTemplatePath: tools.bootstrapTemplate,
    proxyAdminPort: adminPort,
    statusPort,
    concurrency: 1,
    terminationDrainDuration: '0s',
  };
  const server: RunningServer = await startServer({
    name: pod.name,
    url: `http://${pod.ip}`,
    port: readyPort,
    command: () => ({
      command: '/bin/sh',
      args: [
        ...['-c', 'cd "$1" && shift && exec "$@"', 'sh', home, tools.pilotAgent],
        ...['proxy', role, '--domain', 'threadweaver.svc.cluster.local', '--log_output_level', 'default:warn'],
        ...['--proxyLogLevel', 'warning', '--proxyComponentLogLevel', 'misc:error'],
      ],
      env: {
        POD_NAME: pod.name,
        POD_NAMESPACE: 'threadweaver',
        INSTANCE_IP: pod.ip,
        SERVICE_ACCOUNT: pod.serviceAccount,
        TRUST_DOMAIN: 'cluster.local',
        CA_ADDR: `${CONTROL_PLANE_IP}:15012`,
        ISTIOD_SAN: 'istiod.istio-system.svc',
        XDS_ROOT_CA: join(home, 'root.pem'),
        CA_ROOT_CA: join(home, 'root.pem'),
        OUTPUT_CERTS: join(home, 'certificates'),
        PROXY_CONFIG: JSON.stringify(proxyConfig),
        ENVOY_STATUS_PORT: String(readyPort),
        ENVOY_PROMETHEUS_PORT: String(metricsPort),
        ISTIO_META_CLUSTER_ID: 'Kubernetes',
        // Nothing redirects packets here: listeners bind the pods' own addresses and ports.
        ISTIO_META_INTERCEPTION_MODE: 'NONE',
        ISTIO_META_WORKLOAD_NAME: pod.name,
        ISTIO_METAJSON_LABELS: JSON.stringify(pod.labels),
      },
    }),
    checkHealth: async () => {
      const response = await fetch(`http://127.0.0.1:${adminPort}/ready`, { signal: AbortSignal.timeout(1_000) });
      if (!response.ok) throw new Error(await response.text());
    },
  });
  const certificates = async (): Promise<Certificates> => {
    const file = async (name: string) => readFile(join(home, 'certificates', name));
    const key = createPrivateKey(await file('key.pem')).export({ type: 'pkcs8', format: 'pem' });
    return { ca: await file('root-cert.pem'), key: Buffer.from(key), cert: await file('cert-chain.pem') };
  };
  return {
    pod,
    admin: async (path) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).text(),
    accessLog: async () => readFile(join(home, 'access.log'), 'utf8').catch(() => ''),
    identity: async () => {
      const { ca, key, cert } = await certificates();
      // Names in Istio's certificates are SPIFFE ids, which Node does not compare with addresses.
      return credentials.createSsl(ca, key, cert, { checkServerIdentity: () => undefined });
    },
    certificates,
    stop: () => server.stop(),
  };
}

/** For the tests only: the pod's listener passes calls on to a port of this process. */
export function listenerOf(pod: Pod, port: number, appPort: number, protocol = 'GRPC'): object {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: pod.name, namespace: 'threadweaver' },
    spec: {
      workloadSelector: { labels: { pod: pod.name } },
      ingress: [
        {
          port: { number: port, protocol, name: protocol.toLowerCase() },
          bind: pod.ip,
          defaultEndpoint: `127.0.0.1:${appPort}`,
        },
      ],
      egress: [{ hosts: ['istio-system/*'] }],
    },
  };
}
