import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPathsOf } from '../mesh/envoy/open-paths.js';
import { JWKS_PATH } from '../platform/identity/jwks-server.js';
import { accessRules } from '../services/access-rules.js';
import { projectRoot } from '../platform/process/project-root.js';
import { runCheckTool } from './testing/check-tools.js';
import {
  type Container,
  containersOf,
  type Labels,
  type Manifest,
  Overlay,
  overlayNames,
  selects,
} from './testing/manifests.js';

interface Rule {
  readonly from?: readonly { readonly source: { readonly principals?: readonly string[] } }[];
  readonly to?: readonly {
    readonly operation: { readonly ports?: readonly string[]; readonly paths?: readonly string[] };
  }[];
}

interface Port {
  readonly port: number;
  readonly appProtocol?: string;
}

interface HttpRoute {
  readonly route?: readonly {
    readonly destination: { readonly host: string; readonly port: { readonly number: number } };
  }[];
}

interface GatewaySpec {
  readonly selector: Labels;
  readonly servers: readonly { readonly port: { readonly number: number } }[];
}

describe("Istio's resources and the other manifests agree", function () {
  this.timeout(60_000);
  const overlays: Overlay[] = [];

  before(async () => {
    const rendered = await Promise.all(overlayNames.map((name) => Overlay.render(name)));
    overlays.push(...rendered.filter((overlay) => overlay.find('Gateway', 'edge')));
  });

  it('on routes: each way of installing the edge that verify:mesh tries can be rendered', async () => {
    for (const name of readdirSync(join(projectRoot, 'scripts/verify-mesh/fixtures'))) {
      const { ok, output } = await runCheckTool('kustomize', ['build', `scripts/verify-mesh/fixtures/${name}`]);
      assert.ok(ok, output);
    }
  });

  /** Every rule that lets somebody in, with the pods that it guards. */
  const grants = (overlay: Overlay) =>
    overlay
      .all('AuthorizationPolicy')
      .filter(({ spec }) => spec.action === 'ALLOW')
      .flatMap((policy) =>
        (policy.spec.rules as Rule[]).map((rule) => ({ policy, rule, guarded: guardedBy(overlay, policy) })),
      );

  it('on where calls go: each host is a Service and has the port', () => {
    for (const overlay of overlays) {
      const destinations = overlay
        .all('VirtualService')
        .flatMap(({ spec }) => spec.http as HttpRoute[])
        .flatMap(({ route = [] }) => route.map(({ destination }) => destination));
      assert.ok(destinations.length >= 8, overlay.name);
      for (const { host, port } of destinations) {
        const found = portsOf(overlay, host).find((each) => each.port === port.number);
        assert.equal(found?.appProtocol, 'grpc', `${overlay.name}: ${host}:${port.number}`);
        overlay.get('DestinationRule', host);
      }
      for (const { spec } of overlay.all('DestinationRule')) overlay.get('Service', spec.host as string);
      const gateway = overlay.get('Gateway', 'edge').spec as GatewaySpec;
      assert.ok(selects(overlay.get('Service', 'mesh-gateway').spec.selector as Labels, gateway.selector));
      for (const { port } of gateway.servers) {
        assert.ok(portsOf(overlay, 'mesh-gateway').some((each) => each.port === port.number));
      }
    }
  });

  it('on who may call: each policy guards pods and ports that there are, and names accounts that there are', () => {
    for (const overlay of overlays) {
      const accounts = new Set(overlay.workloads.map(({ pod }) => pod.serviceAccountName as string));
      for (const { policy, rule, guarded } of grants(overlay)) {
        const where = `${overlay.name}: AuthorizationPolicy ${policy.metadata.name}`;
        assert.ok(guarded.length > 0, `${where} guards nobody`);
        for (const name of callersOf(rule)) assert.ok(accounts.has(name), `${where}: nobody is ${name}`);
        const ports = guarded.flatMap(({ pod }) => containersOf(pod).flatMap(({ ports: has = [] }) => has));
        for (const port of (rule.to ?? []).flatMap(({ operation }) => operation.ports ?? [])) {
          assert.ok(
            ports.some(({ containerPort }) => String(containerPort) === port),
            `${where}: port ${port}`,
          );
        }
      }
    }
  });

  it('on who reaches NATS and MySQL: the same by label (network) and by account (mesh)', () => {
    for (const overlay of overlays) {
      for (const [server, port] of [
        ['nats', '4222'],
        ['mysql', '3306'],
      ] as const) {
        if (overlay.find('StatefulSet', server) === undefined) {
          assert.equal(overlay.find('AuthorizationPolicy', server), undefined, overlay.name);
          continue;
        }
        const byLabel = overlay.workloads
          .filter(({ labels }) => labels[`threadweaver/${server}-client`] === 'true')
          .map(({ pod }) => pod.serviceAccountName as string);
        const byAccount = grants(overlay)
          .filter(({ guarded }) => guarded.some(({ owner }) => owner.metadata.name === server))
          .filter(({ rule }) => (rule.to ?? []).some(({ operation }) => operation.ports?.includes(port)))
          .flatMap(({ rule }) => callersOf(rule));
        assert.deepEqual([...new Set(byAccount)].sort(), [...new Set(byLabel)].sort(), `${overlay.name}: ${server}`);
      }
    }
  });

  it('on tokens: asked for everywhere but on EKS only, and for all but what anybody may call', () => {
    for (const overlay of overlays) {
      const policy = overlay.find('AuthorizationPolicy', 'mesh-gateway-token');
      assert.equal(policy !== undefined, overlay.name.startsWith('eks'), overlay.name);
      const { AUTH } = overlay.environmentOf(
        overlay.get('Deployment', 'thread-command').spec.template.spec.containers[0] as Container,
      );
      assert.equal(AUTH === 'jwt', policy !== undefined, overlay.name);
      const [rule] = (policy?.spec.rules ?? []) as [{ to: [{ operation: { notPaths: string[] } }] }?];
      if (rule) assert.deepEqual(rule.to[0].operation.notPaths.toSorted(), openPathsOf(accessRules).sort());
    }
  });

  it('on the API: the policies open every service of threads and accounts, and nothing else but health and reflection', () => {
    const api = readdirSync(join(projectRoot, 'proto'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.proto') && !path.startsWith('third_party'))
      .map((path) => readFileSync(join(projectRoot, 'proto', path), 'utf8'))
      .flatMap((text) => {
        const name = /^package ([\w.]+);/m.exec(text)?.[1] ?? '';
        return [...text.matchAll(/^service (\w+)/gm)].map(([, service]) => `${name}.${service}`);
      })
      .filter((service) => /(^|\.)(Thread\w*(Command|Query)|Account\w*)Service$/.test(service));
    for (const overlay of overlays) {
      const open = grants(overlay)
        .flatMap(({ rule }) => rule.to ?? [])
        .flatMap(({ operation }) => operation.paths ?? [])
        .filter((path) => path !== JWKS_PATH)
        .map((path) => /^\/([\w.]+)\/\*$/.exec(path)?.[1] ?? assert.fail(path));
      assert.deepEqual(open.filter((service) => !service.startsWith('grpc.')).sort(), api.sort(), overlay.name);
    }
  });
});

function portsOf(overlay: Overlay, service: string): readonly Port[] {
  return overlay.get('Service', service).spec.ports as Port[];
}

/** The workloads that a policy chooses. */
function guardedBy(overlay: Overlay, policy: Manifest) {
  const wanted = policy.spec.selector.matchLabels as Labels;
  return overlay.workloads.filter(({ labels }) => selects(wanted, labels));
}

/** The service accounts that a rule lets in. */
function callersOf({ from = [] }: Rule): string[] {
  return from.flatMap(({ source }) => source.principals ?? []).map((name) => name.replace(/^.*\/sa\//, ''));
}
