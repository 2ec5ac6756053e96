import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectRoot } from '../platform/process/project-root.js';
import { runCheckTool } from './testing/check-tools.js';
import { settings } from '../platform/process/settings.js';
import { services } from './testing/programs.js';

const fileText = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

describe('Image and pipelines', function () {
  this.timeout(60_000);

  it('have a Dockerfile that hadolint accepts, and hadolint would complain', async () => {
    const dockerfile = fileText('Dockerfile');
    const { ok, output } = await runCheckTool('hadolint', ['--no-color', '-'], dockerfile);
    assert.ok(ok, output);
    const careless = dockerfile.replace('ARG BUILDER=node:24-bookworm-slim', '').replaceAll('${BUILDER}', 'node');
    const verdict = await runCheckTool('hadolint', ['--no-color', '-'], careless);
    assert.equal(verdict.ok, false);
    assert.match(verdict.output, /DL3006/);
  });

  it('have a workflow that actionlint accepts, and actionlint would complain', async () => {
    const workflow = fileText('.github/workflows/ci.yml');
    const lint = (text: string) => runCheckTool('actionlint', ['-no-color', '-shellcheck=', '-pyflakes=', '-'], text);
    const { ok, output } = await lint(workflow);
    assert.ok(ok, output);
    for (const [from, to, finding] of [
      ['needs: test', 'needs: tests', /tests/],
      ['matrix.service }}', 'matrix.servise }}', /servise/],
      ['timeout-minutes', 'timeout-minuets', /timeout-minuets/],
    ] as const) {
      const verdict = await lint(workflow.replace(from, to));
      assert.equal(verdict.ok, false, to);
      assert.match(verdict.output, finding);
    }
  });

  it('run the same: npm test, an image a service with a scan, the roll-out by one script', () => {
    const buildspec = fileText('buildspec.yml');
    assert.equal((parse(buildspec) as { version: number }).version, 0.2);
    for (const text of [fileText('.github/workflows/ci.yml'), buildspec]) {
      for (const step of [
        'npm test',
        'scripts/supply-chain.sh',
        'sbom.cdx.json',
        'trivy',
        'k8s/set-images.sh k8s/overlays/eks',
        'k8s/roll-out.sh k8s/overlays/eks',
      ]) {
        assert.ok(text.includes(step), step);
      }
    }
  });

  it('build the same images: those of the services, and the load generator with its packages', () => {
    const workflow = parse(fileText('.github/workflows/ci.yml')) as {
      jobs: { image: { strategy: { matrix: { include: { service: string; port?: number; omit?: string }[] } } } };
    };
    const { include } = workflow.jobs.image.strategy.matrix;
    const inWorkflow = include.map(({ service, port, omit }) => [service, port, omit]);
    assert.deepEqual(inWorkflow, [
      ...Object.entries(services).map(([name, table]) => [name, settings(table, {}).grpcPort, undefined]),
      ['load', undefined, 'dev'],
    ]);
    // What buildspec.yml's own lines ask docker for.
    const { build } = (parse(fileText('buildspec.yml')) as { phases: { build: { commands: string[] } } }).phases;
    const script = `docker() { echo "docker $*"; }; REGISTRY=registry TAG=tag TRIVY_VERSION=1; ${build.commands.join('\n')}`;
    const { status, stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    assert.equal(status, 0);
    const asked = stdout.split('\n');
    const tag = (service: string): string => `--tag registry/threadweaver/${service}:tag .`;
    assert.deepEqual(
      asked.filter((line) => line.startsWith('docker build')),
      include.map(({ service, port, omit }) => {
        const argument = omit === undefined ? `GRPC_PORT=${port}` : `OMIT=${omit}`;
        return `docker build --build-arg SERVICE=${service} --build-arg ${argument} ${tag(service)}`;
      }),
    );
    for (const what of ['docker run', 'docker push'])
      assert.equal(asked.filter((line) => line.startsWith(what)).length, include.length);
    const compose = parse(fileText('compose.yaml'), { merge: true }) as {
      services: Record<string, { build?: { args: object }; profiles?: string[] }>;
    };
    const built = Object.entries(compose.services).filter(([, { build: arguments_ }]) => arguments_ !== undefined);
    assert.deepEqual(built.map(([name]) => name).sort(), include.map(({ service }) => service).sort());
    assert.deepEqual(compose.services.load?.build?.args, { SERVICE: 'load', OMIT: 'dev' });
    assert.deepEqual(compose.services.load?.profiles, ['load'], 'a load that nobody asked for');
  });

  it('put registry and tag of every image of ours into the overlay', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'threadweaver-images-'));
    try {
      cpSync(join(projectRoot, 'k8s'), join(folder, 'k8s'), { recursive: true });
      const overlay = join(folder, 'k8s', 'overlays', 'eks');
      execFileSync(join(projectRoot, 'k8s', 'set-images.sh'), [overlay, 'registry.example:5000', '1.2.3']);
      const { ok, stdout, output } = await runCheckTool('kustomize', ['build', overlay]);
      assert.ok(ok, output);
      const images = new Set([...stdout.matchAll(/image: (\S*threadweaver\S*)/g)].map(([, image]) => image));
      assert.deepEqual([...images].sort(), [
        'registry.example:5000/threadweaver/account:1.2.3',
        'registry.example:5000/threadweaver/thread-command:1.2.3',
        'registry.example:5000/threadweaver/thread-projector:1.2.3',
        'registry.example:5000/threadweaver/thread-query:1.2.3',
      ]);
      const load = join(folder, 'k8s', 'load', 'upload');
      execFileSync(join(projectRoot, 'k8s', 'set-images.sh'), [load, 'registry.example:5000', '1.2.3']);
      const job = await runCheckTool('kustomize', ['build', load]);
      assert.match(job.stdout, /image: registry\.example:5000\/threadweaver\/load:1\.2\.3\n/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('roll out: the services only after the migrations, and not at all when those fail', () => {
    // A kubectl that writes down what it is asked, and fails where it is told to.
    const rollOut = (failAt: string) => {
      const script = `
        kubectl() {
          echo "kubectl $*" >&2
          case "$*" in kustomize*) echo manifests ;; *${failAt}*) return 1 ;; esac
        }
        set -- k8s/overlays/eks
        . k8s/roll-out.sh`;
      const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: projectRoot, encoding: 'utf8' });
      return { status, asked: stderr.split('\n').filter((line) => line.startsWith('kubectl ')) };
    };
    const good = rollOut('nothing-at-all');
    assert.equal(good.status, 0);
    const at = (what: RegExp): number => good.asked.findIndex((line) => what.test(line));
    const order = [/delete job migrate/, /apply .* --selector/, /wait .*job\/migrate/, /apply --filename \S+$/];
    assert.deepEqual(order.map(at), [1, 2, 3, 5]);
    assert.equal(good.asked.filter((line) => line.includes('rollout status deployment/')).length, 4);

    const failing = rollOut('job/migrate');
    assert.equal(failing.status, 1);
    assert.ok(!failing.asked.some((line) => /apply --filename \S+$/.test(line)), 'no service was touched');
    assert.equal(rollOut('deployment/thread-query').status, 1);
  });
});
