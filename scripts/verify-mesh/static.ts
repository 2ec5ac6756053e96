import { readdir, writeFile, access } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import type { ApiServer } from './control-plane.js';
import type { Report } from './report.js';
import { run, tryRun } from './run.js';
import { tools } from './tools.js';

/** Every kustomization to look at: the overlays, and this program's own, which have Istio in them. */
async function kustomizations(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['scripts/verify-mesh/fixtures', 'k8s/overlays']) {
    const path = join(projectRoot, folder);
    for (const name of await readdir(path).catch((): string[] => [])) {
      const whole = await access(join(path, name, 'kustomization.yaml')).then(
        () => true,
        () => false,
      );
      if (whole && name !== 'base') found.push(`${folder}/${name}`);
    }
  }
  return found.sort();
}

/** What kustomize makes of a folder. */
export async function build(folder: string): Promise<string> {
  return (await run(tools.kubectl, ['kustomize', join(projectRoot, folder)])).stdout;
}

// That an EnvoyFilter is one is no news; anything else that analyze has to say is a failure.
const filters = ['edge-filters', 'edge-tokens'];
const strictly = [
  '--failure-threshold=Info',
  ...filters.flatMap((name) => ['--suppress', `IST0133=EnvoyFilter threadweaver/${name}`]),
];

/** Each a way to be wrong, and the tool that must see it. */
const mistakes = [
  { what: 'a misspelt field', by: 'validate', from: 'retryOn:', to: 'retryOnn:' },
  { what: 'a duration without a unit', by: 'validate', from: 'baseEjectionTime: 2s', to: 'baseEjectionTime: "2"' },
  { what: 'an unknown mode of mTLS', by: 'validate', from: 'mode: STRICT', to: 'mode: STRICTLY' },
  { what: 'a subset that does not exist', by: 'analyze', from: 'subset: canary', to: 'subset: canaries' },
  { what: 'a gateway that does not exist', by: 'analyze', from: '- edge\n', to: '- edges\n' },
] as const;

/** istioctl's two looks: `validate` knows fields and values, `analyze` what refers to what. */
export async function checkWithIstioctl(scratch: string, report: Report): Promise<void> {
  const look = async (name: string, manifests: string) => {
    const file = join(scratch, `${name.replaceAll('/', '-')}.yaml`);
    await writeFile(file, manifests);
    return {
      validate: await tryRun(tools.istioctl, ['validate', '-f', file]),
      // Without -A it looks at the namespace `default` only, finds nothing and says all is well.
      analyze: await tryRun(tools.istioctl, ['analyze', '-A', '--use-kube=false', ...strictly, file]),
    };
  };
  for (const folder of await kustomizations()) {
    const { validate, analyze } = await look(folder, await build(folder));
    report.check(`istioctl validate ${folder}`, validate.code === 0, validate.stdout + validate.stderr);
    report.check(`istioctl analyze -A ${folder}`, analyze.code === 0, analyze.stdout + analyze.stderr);
  }
  const sound = await build('scripts/verify-mesh/fixtures/canary');
  for (const { what, by, from, to } of mistakes) {
    const broken = sound.replaceAll(from, to);
    const found = (await look('broken', broken))[by];
    report.check(`control: ${by} rejects ${what}`, broken !== sound && found.code !== 0, found.stdout + found.stderr);
  }
}

const badWorkload = (containerPort: number, app: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'bad', namespace: 'threadweaver' },
  spec: {
    selector: { matchLabels: { app } },
    template: {
      metadata: { labels: { app: 'bad' } },
      spec: { containers: [{ name: 'bad', image: 'bad', ports: [{ containerPort }] }] },
    },
  },
});

/** What an API server says to the manifests, without keeping them. */
export async function checkWithApiServer(api: ApiServer, report: Report): Promise<void> {
  const dryRun = ['apply', '--server-side', '--dry-run=server', '--warnings-as-errors', '-f', '-'];
  for (const folder of await kustomizations()) {
    const { code, stderr } = await api.tryKubectl(dryRun, await build(folder));
    report.check(`API server takes ${folder}`, code === 0, stderr);
  }
  const rejects = async (what: string, manifest: string) => {
    const { code, stderr } = await api.tryKubectl(dryRun, manifest);
    report.check(`control: API server rejects ${what}`, code !== 0, stderr);
  };
  const plain = await build('scripts/verify-mesh/fixtures/plain');
  await rejects('a selector that selects other pods', JSON.stringify(badWorkload(80, 'good')));
  await rejects('a port above 65535', JSON.stringify(badWorkload(70_000, 'bad')));
  await rejects('a weight of 101 %', plain.replace('maxEjectionPercent: 50', 'maxEjectionPercent: fifty'));
  const bothMatches = plain.replace(/rules:\n {2}- to:/, 'targetRef: { kind: Gateway, name: x }\n  rules:\n  - to:');
  await rejects("what only Istio's CEL rules forbid: selector and targetRef", bothMatches);
  await rejects('a pod that the restricted standard forbids', JSON.stringify(badWorkload(80, 'bad')));
}
