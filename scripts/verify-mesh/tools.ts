import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { run } from './run.js';

const folder = join(projectRoot, '.tools', 'verify-mesh');
const modules = join(projectRoot, 'scripts', 'verify-mesh', 'go');

/** The binaries and files that the verification works with, all in `.tools/verify-mesh`. */
export const tools = {
  istioctl: join(folder, 'istio', 'istioctl'),
  pilotDiscovery: join(folder, 'istio', 'pilot-discovery'),
  pilotAgent: join(folder, 'istio', 'pilot-agent'),
  /** Istio's CustomResourceDefinitions. */
  crds: join(folder, 'istio', 'crd-all.gen.yaml'),
  /** From which pilot-agent makes Envoy's bootstrap. */
  bootstrapTemplate: join(folder, 'istio', 'envoy_bootstrap.json'),
  kubeApiserver: join(folder, 'kubernetes', 'kube-apiserver'),
  kubectl: join(folder, 'kubernetes', 'kubectl'),
  etcd: join(folder, 'etcd', 'usr', 'bin', 'etcd'),
};

const builds = [
  {
    name: 'istio',
    packages: ['istioctl/cmd/istioctl', 'pilot/cmd/pilot-discovery', 'pilot/cmd/pilot-agent'].map(
      (path) => `istio.io/istio/${path}`,
    ),
    ldflags: '-s -w',
    files: ['manifests/charts/base/files/crd-all.gen.yaml', 'tools/packaging/common/envoy_bootstrap.json'],
    module: 'istio.io/istio',
  },
  {
    name: 'kubernetes',
    packages: ['k8s.io/kubernetes/cmd/kube-apiserver', 'k8s.io/kubernetes/cmd/kubectl'],
    // Without a version the API server says v0.0.0, and does not start.
    ldflags: '-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3',
    files: [],
    module: 'k8s.io/kubernetes',
  },
];

/**
 * Builds what is not there yet: some 20 minutes of two cores the first time, nothing later.
 * @throws Error saying what is missing on this machine
 */
export async function ensureTools(report: (line: string) => void): Promise<void> {
  for (const build of builds) {
    const source = join(modules, build.name);
    const pins = createHash('sha256')
      .update(await readFile(join(source, 'go.mod')))
      .update(JSON.stringify(build));
    await once(build.name, pins.digest('hex'), async (target) => {
      report(`building ${build.packages.map((path) => path.split('/').at(-1)).join(', ')} (Go; minutes) …`);
      const started = Date.now();
      const progress = setInterval(
        () => report(`  still building, ${Math.round((Date.now() - started) / 60_000)} min`),
        60_000,
      );
      try {
        const options = ['-trimpath', '-ldflags', build.ldflags, '-o', `${target}/`];
        await run('go', ['build', ...options, ...build.packages], { cwd: source, timeoutMs: 60 * 60_000 });
      } finally {
        clearInterval(progress);
      }
      const { stdout } = await run('go', ['list', '-m', '-f', '{{.Dir}}', build.module], { cwd: source });
      for (const file of build.files) {
        await copyFile(join(stdout.trim(), file), join(target, file.split('/').at(-1) as string));
      }
    });
  }
  await once('etcd', 'debian', async (target) => {
    report("unpacking Debian's etcd-server …");
    const download = await mkdtemp(join(tmpdir(), 'threadweaver-etcd-'));
    try {
      // Unpacked only, not installed: the machine stays as it is.
      await run('apt-get', ['download', 'etcd-server'], { cwd: download, timeoutMs: 300_000 });
      const [archive] = await readdir(download);
      await run('dpkg-deb', ['-x', join(download, archive ?? ''), target]);
    } finally {
      await rm(download, { recursive: true, force: true });
    }
  });
}

/** Makes a folder of tools once for each fingerprint; half of one is never taken for a whole one. */
async function once(name: string, fingerprint: string, make: (target: string) => Promise<void>): Promise<void> {
  const stamp = join(folder, name, '.stamp');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === fingerprint) return;
  const draft = join(folder, `${name}.draft`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  await make(draft);
  await writeFile(join(draft, '.stamp'), fingerprint);
  await rm(join(folder, name), { recursive: true, force: true });
  await rename(draft, join(folder, name));
}

/** The address that stands for the machine on which API server and istiod run. */
export const CONTROL_PLANE_IP = '10.77.0.1';

/** Runs this program once more within a network of its own, where every address and port is free. */
export async function runInOwnNetwork(script: string): Promise<number> {
  const setUp = `ip link set lo up && ip addr add ${CONTROL_PLANE_IP}/16 dev lo && exec "$@"`;
  const isolated = ['-r', '-n', 'sh', '-c', setUp, 'sh', process.execPath, '--import', 'tsx', script, '--inside'];
  const child = spawn('unshare', isolated, { stdio: 'inherit', cwd: projectRoot });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
