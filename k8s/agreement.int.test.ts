import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { portSettings } from '../mesh/local/mesh-settings.js';
import {
  type ServiceManifest,
  type ServiceName,
  serviceRights,
  services as manifests,
  upstreamNames,
} from '../mesh/services.js';
import { LIVENESS } from '../platform/grpc/grpc-server.js';
import { projectRoot } from '../platform/process/project-root.js';
import { healthProbeSettings } from '../platform/process/health-probe/settings.js';
import { settings, type SettingsTable } from '../platform/process/settings.js';
import { generatedFolder } from './render-envoy.js';
import { passwordVariable } from './render-accounts.js';
import { isOurs, programOf, programs, services, settingsOf, suitsOneMachine } from './testing/programs.js';
import { type Container, containersOf, type Labels, Overlay, overlayNames, selects } from './testing/manifests.js';

const fileText = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

describe('Manifests and code agree', function () {
  this.timeout(60_000);
  const overlays: Overlay[] = [];

  before(async () => overlays.push(...(await Promise.all(overlayNames.map((name) => Overlay.render(name))))));

  const eachContainer = (look: (container: Container, overlay: Overlay, where: string) => void): void => {
    for (const overlay of overlays) {
      for (const { owner, pod } of overlay.workloads) {
        for (const container of containersOf(pod)) {
          look(container, overlay, `${overlay.name}: ${owner.kind} ${owner.metadata.name}, ${container.name}`);
        }
      }
    }
  };

  it('on which services there are', () => {
    const inCode = readdirSync(join(projectRoot, 'services'), { recursive: true, encoding: 'utf8' })
      .flatMap((path) => /^(.+)\/main\.ts$/.exec(path)?.[1]?.replaceAll('/', '-') ?? [])
      .sort();
    assert.deepEqual(Object.keys(services).sort(), inCode);
    for (const overlay of overlays) {
      const deployed = overlay
        .all('Deployment')
        .filter(({ spec }) => isOurs(spec.template.spec.containers[0] as Container));
      assert.deepEqual(deployed.map(({ metadata }) => metadata.name).sort(), inCode, overlay.name);
      for (const name of inCode) {
        for (const kind of [
          'Service',
          'ServiceAccount',
          'PodDisruptionBudget',
          'HorizontalPodAutoscaler',
          'NetworkPolicy',
        ]) {
          overlay.get(kind, name);
        }
      }
    }
    assert.deepEqual(/^services=\((.*)\)$/m.exec(fileText('k8s/roll-out.sh'))?.[1]?.split(' ').sort(), inCode);
  });

  it('on variables: each that is set is read, its value can be meant, and what only suits one machine is set', () => {
    let looked = 0;
    eachContainer((container, overlay, where) => {
      if (!isOurs(container)) return;
      looked += 1;
      const program = programOf(container);
      assert.ok(
        existsSync(join(projectRoot, program.replace(/ .*/, '').replace('dist/', '').replace(/js$/, 'ts'))),
        `${where}: ${program}`,
      );
      const table = programs[program] ?? assert.fail(`${where}: ${program} is not known here`);
      const variables = settingsOf(table);
      const environment = overlay.environmentOf(container);
      for (const { name } of container.env ?? []) assert.ok(variables.has(name), `${where}: nothing reads ${name}`);
      settings(table, environment);
      for (const [name, variable] of variables) {
        if (suitsOneMachine(variable)) assert.ok(environment[name], `${where}: ${name} would be ${variable.default}`);
      }
    });
    assert.ok(looked >= 6 * overlays.length);
    const compose = parse(fileText('compose.yaml'), { merge: true }) as {
      services: Record<string, { image: string; command?: string[]; environment?: Record<string, string> }>;
    };
    for (const [name, { image, command, environment = {} }] of Object.entries(compose.services)) {
      if (!image.startsWith('threadweaver/')) continue;
      const table = programs[programOf({ name, image, args: command })] ?? assert.fail(name);
      settings(table, environment);
      for (const [name, variable] of settingsOf(table)) {
        if (suitsOneMachine(variable)) assert.ok(environment[name], `compose.yaml: ${image} lacks ${name}`);
      }
    }
    // What all get is read by some.
    const readBySome = new Set(Object.values(programs).flatMap((table) => [...settingsOf(table).keys()]));
    const shared = [...fileText('k8s/base/installation.env').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    const composed = Object.values(compose.services)
      .filter(({ image }) => image.startsWith('threadweaver/'))
      .flatMap(({ environment = {} }) => Object.keys(environment));
    for (const name of [...shared, ...composed]) assert.ok(readBySome.has(name ?? ''), `nothing reads ${name}`);
  });

  it('on what every process of an installation must have the same', () => {
    const same = [
      'JOURNAL_LAYOUT',
      'JOURNAL_BUCKETS',
      'PARTITIONS',
      'NATS_REPLICAS',
      'NATS_URL',
      'PROJECTION_PARTITIONS',
    ];
    for (const overlay of overlays) {
      const values = new Map<string, string | undefined>();
      for (const container of overlay.workloads.flatMap(({ pod }) => containersOf(pod)).filter(isOurs)) {
        const variables = settingsOf(programs[programOf(container)] ?? assert.fail());
        const environment = overlay.environmentOf(container);
        for (const name of same.filter((each) => variables.has(each))) {
          if (!values.has(name)) values.set(name, environment[name]);
          assert.equal(environment[name], values.get(name), `${overlay.name}: ${container.name} has another ${name}`);
        }
      }
      const nats = overlay.get('StatefulSet', 'nats');
      const nodes = Array.from({ length: nats.spec.replicas as number }, (_, index) => `nats-${index}.nats`);
      assert.equal(values.get('NATS_URL'), nodes.map((node) => `nats://${node}:4222`).join(','));
      assert.equal(values.get('NATS_REPLICAS'), String(nodes.length));
      const server = overlay.environmentOf((nats.spec.template.spec.containers as [Container])[0]);
      const routes = nodes.map((node) => `"nats://route:$(ROUTE_PASSWORD)@${node}:6222"`);
      assert.deepEqual([server.NATS_ROUTE_0, server.NATS_ROUTE_1, server.NATS_ROUTE_2], routes);
      // Each service comes as itself, with the password that NATS was told for it.
      for (const name of Object.keys(serviceRights)) {
        const container = overlay.get('Deployment', name).spec.template.spec.containers[0] as Container;
        const { NATS_USER, NATS_PASSWORD } = overlay.environmentOf(container);
        assert.deepEqual([NATS_USER, NATS_PASSWORD], [name, `secret nats/${name}`]);
        const variable = passwordVariable(name);
        const raw = variable.replace(/_PASSWORD$/, '');
        assert.deepEqual([server[variable], server[raw]], [`"$(${raw})"`, `secret nats/${name}`]);
      }
      assert.equal(server.PASSWORD, 'secret nats/password');
      const { maxReplicas } = overlay.get('HorizontalPodAutoscaler', 'thread-projector').spec;
      assert.ok(maxReplicas <= Number(values.get('PROJECTION_PARTITIONS')));
    }
  });

  it("on ports: the code's defaults, containers, Services, Envoy, image, compose, pipelines", () => {
    const compose = parse(fileText('compose.yaml'), { merge: true }) as {
      services: Record<string, { build?: { args: Record<string, unknown> }; ports?: string[] }>;
    };
    const workflow = fileText('.github/workflows/ci.yml');
    const envoy = readFileSync(join(generatedFolder, 'envoy.yaml'), 'utf8');
    for (const [name, table] of Object.entries(services)) {
      const { grpcPort, jwksPort } = settings<SettingsTable>(table, {}) as { grpcPort: number; jwksPort?: number };
      const manifest: ServiceManifest = manifests[name as ServiceName];
      assert.deepEqual([grpcPort, jwksPort], [manifest.ports.grpc, manifest.ports.jwks], name);
      for (const overlay of overlays) {
        const container = overlay.get('Deployment', name).spec.template.spec.containers[0] as Container;
        const ports = Object.fromEntries((container.ports ?? []).map((port) => [port.name, port.containerPort]));
        const { METRICS_PORT } = overlay.environmentOf(container);
        const own = { grpc: grpcPort, ...(jwksPort !== undefined && { jwks: jwksPort }) };
        assert.deepEqual(ports, { ...own, metrics: Number(METRICS_PORT) }, name);
        const { annotations } = overlay.get('Deployment', name).spec.template.metadata;
        assert.equal(annotations['prometheus.io/port'], String(ports.metrics));
        for (const probe of [container.startupProbe, container.livenessProbe]) {
          assert.deepEqual(probe.grpc, { port: grpcPort, service: LIVENESS });
        }
        assert.deepEqual(container.readinessProbe.grpc, { port: grpcPort });
        const { ports: open } = overlay.get('Service', name).spec as { ports: { name: string; port: number }[] };
        assert.deepEqual(Object.fromEntries(open.map((each) => [each.name, each.port])), own, name);
      }
      assert.deepEqual(compose.services[name]?.build?.args, { SERVICE: name, GRPC_PORT: grpcPort });
      assert.deepEqual(compose.services[name]?.ports, [`127.0.0.1:${grpcPort}:${grpcPort}`]);
      assert.ok(workflow.includes(`{ service: ${name}, port: ${grpcPort} }`), `ci.yml builds no ${name}`);
      assert.ok(fileText('buildspec.yml').includes(` ${name}:${grpcPort}`), `buildspec.yml builds no ${name}`);
    }
    const { grpcPort } = settings(healthProbeSettings, {});
    assert.ok(fileText('Dockerfile').includes(`ARG GRPC_PORT=${grpcPort}`));

    const edge = ['envoy', 'threads', 'messenger', 'booking'] as const;
    const edgePorts = edge.map((name) => portSettings[name].port);
    assert.deepEqual(
      compose.services.envoy?.ports,
      edgePorts.map((port) => `127.0.0.1:${port}:${port}`),
    );
    for (const overlay of overlays) {
      if (overlay.find('Deployment', 'envoy') === undefined) continue;
      const { ports } = overlay.get('Deployment', 'envoy').spec.template.spec.containers[0] as Container;
      assert.deepEqual(
        ports?.map(({ containerPort }) => containerPort),
        edgePorts,
      );
      const upstreams = [...envoy.matchAll(/"address":"([a-z-]+)","port_value":(\d+)/g)];
      assert.deepEqual(
        upstreams.map(([, host, port]) => [host, Number(port)]),
        upstreamNames.map((name) => [`${name}-instances`, manifests[name].ports.grpc]),
      );
      for (const [, host, port] of upstreams) {
        const { spec } = overlay.get('Service', host ?? '');
        assert.equal(spec.clusterIP, 'None', `${host} has to resolve to the instances`);
        assert.ok((spec.ports as { port: number }[]).some((each) => each.port === Number(port)));
      }
    }
  });

  it('among themselves: selectors choose pods, named ports, accounts, ConfigMaps and Secrets are there', () => {
    const documented = fileText('docs/kubernetes.md');
    for (const overlay of overlays) {
      const { workloads } = overlay;
      for (const { owner, labels, pod } of workloads) {
        const where = `${overlay.name}: ${owner.kind} ${owner.metadata.name}`;
        overlay.get('ServiceAccount', pod.serviceAccountName as string);
        if (owner.spec.selector) assert.ok(selects(owner.spec.selector.matchLabels as Labels, labels), where);
        for (const { configMap } of (pod.volumes ?? []) as { configMap?: { name: string } }[]) {
          if (configMap) overlay.get('ConfigMap', configMap.name);
        }
        for (const { env = [] } of containersOf(pod)) {
          for (const { valueFrom } of env) {
            const secret = valueFrom?.secretKeyRef;
            if (secret === undefined) continue;
            assert.ok(['mysql', 'nats'].includes(secret.name));
            assert.ok(documented.includes(`\`${secret.key}\``), `docs/kubernetes.md does not tell of ${secret.key}`);
          }
        }
      }
      for (const { metadata, spec } of overlay.all('Service')) {
        const chosen = workloads.filter(({ labels }) => selects(spec.selector as Labels, labels));
        assert.equal(chosen.length, 1, `${overlay.name}: Service ${metadata.name}`);
        const has = containersOf(chosen[0]?.pod).flatMap(({ ports = [] }) =>
          ports.flatMap(({ name, containerPort }) => [name, containerPort]),
        );
        for (const { targetPort } of spec.ports as { targetPort: string | number }[]) {
          assert.ok(has.includes(targetPort), `${overlay.name}: Service ${metadata.name} wants port ${targetPort}`);
        }
      }
      for (const { metadata, spec } of overlay.all('NetworkPolicy')) {
        const where = `${overlay.name}: NetworkPolicy ${metadata.name}`;
        const chosen = workloads.filter(({ labels }) =>
          selects((spec.podSelector.matchLabels ?? {}) as Labels, labels),
        );
        assert.ok(chosen.length > 0, where);
        const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])] as {
          from?: { podSelector?: { matchLabels: Record<string, string> }; namespaceSelector?: object }[];
          to?: { podSelector?: { matchLabels: Record<string, string> }; namespaceSelector?: object }[];
          ports: { port: string | number }[];
        }[];
        for (const { from = [], to = [], ports } of rules) {
          for (const { podSelector, namespaceSelector } of [...from, ...to]) {
            if (podSelector === undefined || namespaceSelector !== undefined) continue;
            assert.ok(
              workloads.some(({ labels }) => selects(podSelector.matchLabels, labels)),
              where,
            );
          }
          for (const { port } of ports) {
            if (typeof port === 'number') continue;
            const names = chosen.flatMap(({ pod }) => containersOf(pod).flatMap(({ ports: has = [] }) => has));
            assert.ok(
              names.some(({ name }) => name === port),
              `${where}: port ${port}`,
            );
          }
        }
      }
      for (const { metadata, spec } of overlay.all('HorizontalPodAutoscaler')) {
        const { kind, name } = spec.scaleTargetRef as { kind: string; name: string };
        assert.equal(overlay.get(kind, name).spec.replicas, undefined, `${metadata.name}: two decide on replicas`);
      }
    }
  });

  it('on how long draining takes: all fits into the grace', () => {
    for (const overlay of overlays) {
      for (const [name, table] of Object.entries(services)) {
        const { pod } = overlay.workloads.find(({ owner }) => owner.metadata.name === name) ?? assert.fail(name);
        const [container] = pod.containers as [Container];
        const values = settings<SettingsTable>(table, overlay.environmentOf(container));
        const { drainNoticeMs, drainTimeoutMs, commandTimeoutMs = 0 } = values as Record<string, number>;
        const preStopMs = ((container.lifecycle?.preStop.sleep.seconds as number | undefined) ?? 0) * 1_000;
        const longestMs = preStopMs + Number(drainNoticeMs) + Number(drainTimeoutMs) + 2_000;
        assert.ok(longestMs < pod.terminationGracePeriodSeconds * 1_000, `${name} may be killed while it drains`);
        // thread-command gives half of the time to calls under way.
        assert.ok(Number(drainTimeoutMs) / 2 - Number(drainNoticeMs) >= commandTimeoutMs, name);
      }
    }
  });
});
