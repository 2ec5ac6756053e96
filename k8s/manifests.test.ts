import assert from 'node:assert/strict';
import { runCheckTool } from './testing/check-tools.js';
import { Overlay, overlayNames } from './testing/manifests.js';

/** Kubernetes' own kinds, and Istio's. */
const schemaFolders = ['k8s/schemas', 'mesh/istio/schemas'];

const conform = (manifests: string) =>
  runCheckTool(
    'kubeconform',
    [
      '-strict',
      ...schemaFolders.flatMap((each) => ['-schema-location', `${each}/{{.ResourceKind}}{{.KindSuffix}}.json`]),
      ...['-output', 'text', '-'],
    ],
    manifests,
  );

const score = (manifests: string) =>
  runCheckTool(
    'kube-score',
    [
      ...['score', '--output-format', 'ci', '--kubernetes-version', 'v1.34', '--exit-one-on-warning'],
      // A limit of CPU makes pauses and saves nothing that requests do not.
      '--ignore-container-cpu-limit',
      // Tags are never moved, and minikube has no registry.
      ...['--ignore-test', 'container-image-pull-policy'],
      // Topology spread constraints do the same, and do not forbid a third instance on two nodes.
      ...['--ignore-test', 'deployment-has-host-podantiaffinity'],
      ...['--ignore-test', 'statefulset-has-host-podantiaffinity'],
      '-',
    ],
    manifests,
  );

describe('Kubernetes manifests', function () {
  this.timeout(60_000);
  let overlays: Overlay[];

  before(async () => {
    overlays = await Promise.all(overlayNames.map((name) => Overlay.render(name)));
  });

  it('are there for minikube and EKS, each with plain Envoy and with Istio', () => {
    assert.deepEqual(overlayNames, ['eks', 'eks-istio', 'minikube', 'minikube-istio']);
    for (const overlay of overlays) {
      assert.ok(overlay.manifests.length > 30, overlay.name);
      const istio = overlay.name.endsWith('-istio');
      assert.equal(overlay.find('Deployment', 'envoy') === undefined, istio, overlay.name);
      assert.equal(overlay.find('Gateway', 'edge') !== undefined, istio, overlay.name);
    }
  });

  for (const [index, name] of overlayNames.entries()) {
    it(`have only fields that Kubernetes knows: ${name}`, async () => {
      const { ok, output } = await conform(overlays[index]?.text ?? '');
      assert.ok(ok, output);
    });

    it(`follow good practice: ${name}`, async () => {
      const { ok, output } = await score(overlays[index]?.text ?? '');
      const complaints = output.split('\n').filter((line) => !/^\[(OK|SKIPPED)\]/.test(line));
      assert.ok(ok, complaints.join('\n'));
    });
  }

  // Each takes the manifests of minikube (of Istio's: minikube-istio) with one mistake; the check has to find it.
  const mistakes: [what: string, check: typeof conform, from: string, to: string, finding: RegExp][] = [
    ['a misspelt probe', conform, 'readinessProbe:', 'readynessProbe:', /readynessProbe/],
    ['misspelt replicas', conform, 'replicas: 3', 'replica: 3', /'replica'/],
    ['a text for a number', conform, 'containerPort: 50051', "containerPort: '50051'", /containerPort/],
    ['a field at the wrong place', conform, '  minReadySeconds: 10', '  serviceName: x', /serviceName/],
    ['an unknown kind', conform, 'kind: HorizontalPodAutoscaler', 'kind: HorizontalAutoscaler', /HorizontalAutoscaler/],
    [
      'a kind of another version',
      conform,
      'apiVersion: autoscaling/v2',
      'apiVersion: autoscaling/v2beta2',
      /could not find schema/,
    ],
    ['a missing field', conform, 'maxReplicas:', 'minReadySeconds:', /maxReplicas/],
    ['a misspelt policy', conform, 'policyTypes:', 'policyType:', /policyType/],
    ['a writable root', score, 'readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false', /writable root/],
    [
      'no memory limit',
      score,
      /( +limits:\n +ephemeral-storage: \w+\n) +memory: \w+\n/.source,
      '$1',
      /Memory limit is not set/,
    ],
    ['a floating image', score, ':8.4', ':latest', /latest tag/],
    ['a budget for nobody', score, 'app.kubernetes.io/name: nats\n---', 'app.kubernetes.io/name: nuts\n---', /nats/],
  ];
  const istiosMistakes: typeof mistakes = [
    ['a misspelt time-out of retries', conform, 'backoff: 50ms', 'perTryTimeOut: 5s', /perTryTimeOut/],
    ['a misspelt limit of errors', conform, 'consecutive5xxErrors', 'consecutive5XXErrors', /consecutive5XXErrors/],
    ['an unknown mode of mTLS', conform, 'mode: STRICT', 'mode: STRICTLY', /mode/],
    ['a misspelt caller', conform, 'principals:', 'principal:', /principal/],
    [
      'two kinds of hash',
      conform,
      'httpHeaderName: x-thread-id',
      'httpHeaderName: x\n        useSourceIp: true',
      /consistentHash/,
    ],
    [
      "another version of Istio's",
      conform,
      'security.istio.io/v1',
      'security.istio.io/v1beta9',
      /could not find schema/,
    ],
  ];
  const all = [
    ...mistakes.map((mistake) => ['minikube', ...mistake] as const),
    ...istiosMistakes.map((mistake) => ['minikube-istio', ...mistake] as const),
  ];
  for (const [overlay, what, check, from, to, finding] of all) {
    it(`would not pass with ${what}`, async () => {
      const { text } = overlays[overlayNames.indexOf(overlay)] ?? assert.fail();
      const wrong = text.replaceAll(new RegExp(from.startsWith('( +') ? from : escaped(from), 'g'), to);
      assert.notEqual(wrong, text, 'the mistake was not made');
      const { ok, output } = await check(wrong);
      assert.equal(ok, false);
      assert.match(output, finding);
    });
  }
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
