import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import { readCommandLine } from '../load/command-line.js';
import { runCheckTool } from './testing/check-tools.js';
import { containersOf, type Manifest, Overlay } from './testing/manifests.js';

describe('The load generator in Kubernetes', function () {
  this.timeout(60_000);

  for (const place of ['volume', 'upload']) {
    it(`has manifests that fit Kubernetes, good practice and the mesh: ${place}`, async () => {
      const { ok, output, stdout } = await runCheckTool('kustomize', ['build', `k8s/load/${place}`]);
      assert.ok(ok, output);
      // The schemas here are those of the installation's kinds, which has no claim of its own.
      const schemas = 'k8s/schemas/{{.ResourceKind}}{{.KindSuffix}}.json';
      const skipped = ['-skip', 'PersistentVolumeClaim'];
      const conform = await runCheckTool(
        'kubeconform',
        ['-strict', '-schema-location', schemas, ...skipped, '-'],
        stdout,
      );
      assert.ok(conform.ok, conform.output);
      const lenient = ['--ignore-container-cpu-limit', '--ignore-test', 'container-image-pull-policy'];
      const score = await runCheckTool(
        'kube-score',
        ['score', '--output-format', 'ci', '--kubernetes-version', 'v1.34', '--exit-one-on-warning', ...lenient, '-'],
        stdout,
      );
      assert.ok(score.ok, score.output);

      const manifests = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
      const find = (kind: string): Manifest => manifests.find((each) => each.kind === kind) ?? assert.fail(kind);
      const { spec: pod } = find('Job').spec.template;
      const [program, ...args] = containersOf(pod)[0]?.args ?? [];
      assert.equal(program, 'dist/load/main.js');
      const { load, reportFolder, uploadUrl } = readCommandLine(args) ?? assert.fail('help');
      assert.equal(reportFolder, '/report');
      assert.equal(uploadUrl?.startsWith('s3://'), place === 'upload' ? true : undefined);
      assert.ok(
        load.rampMs + load.holdMs + 2 * load.timeoutMs < find('Job').spec.activeDeadlineSeconds * 1_000,
        'the Job would be ended before its load',
      );
      assert.ok(load.timeoutMs < pod.terminationGracePeriodSeconds * 1_000);

      // It goes where the policy lets it: to Envoy, by a port of its Service.
      const edge = await Overlay.render('minikube');
      const { hostname, port } = new URL(load.target);
      const ports = edge.get('Service', hostname).spec.ports as { port: number }[];
      assert.ok(ports.some((each) => each.port === Number(port)));
      const [toEdge] = find('NetworkPolicy').spec.egress;
      assert.deepEqual(toEdge.to[0].podSelector.matchLabels, edge.get('Deployment', 'envoy').spec.selector.matchLabels);
      assert.equal(toEdge.ports[0].port, Number(port));
    });
  }
});
