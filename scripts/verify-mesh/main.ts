/**
 * `npm run verify:mesh`: shows that Istio's resources do what they say, with istioctl, a real API server, istiod and
 * Envoys. The first run builds those (some 20 minutes); later ones take a minute or two.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkAccess } from './check-access.js';
import { checkRouting } from './check-routing.js';
import { checkResilience } from './check-resilience.js';
import { checkTls } from './check-tls.js';
import { startApiServer } from './control-plane.js';
import { Report } from './report.js';
import { checkWithApiServer, checkWithIstioctl } from './static.js';
import { ensureTools, runInOwnNetwork } from './tools.js';
import { World } from './world.js';

const report = new Report();

async function verify(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'threadweaver-verify-mesh-'));
  try {
    report.say('\n# istioctl');
    await checkWithIstioctl(folder, report);
    report.say('\n# A real API server');
    const api = await startApiServer(folder);
    try {
      await api.kubectl(['create', 'namespace', 'threadweaver']);
      const restricted = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
      await api.kubectl(['label', 'namespace', 'threadweaver', ...restricted]);
      await checkWithApiServer(api, report);
      report.say('\n# istiod, Envoys, traffic');
      const world = await World.start(api, join(folder, 'mesh'));
      try {
        for (const check of [checkRouting, checkAccess, checkTls, checkResilience]) await check(world, report);
      } finally {
        await world.stop();
      }
    } finally {
      await api.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return report.finish();
}

if (process.argv.includes('--inside')) {
  process.exit((await verify()) ? 0 : 1);
} else {
  await ensureTools((line) => report.say(line));
  process.exit(await runInOwnNetwork(fileURLToPath(import.meta.url)));
}
