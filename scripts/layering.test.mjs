import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { projectRoot } from './prepare/project.mjs';

const { options, forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const comments = new Map(forbidden.map(({ name, comment }) => [name, comment]));

/** Cruises folders of a checkout and gives back how many modules there were, and what breaks a rule. */
async function check(baseDir, folders) {
  const { output } = await cruise(
    folders,
    { ...options, baseDir, validate: true, ruleSet: { forbidden } },
    {},
    { tsConfig: extractTSConfig(join(projectRoot, 'tsconfig.json')) },
  );
  return { modules: output.summary.totalCruised, violations: output.summary.violations };
}

function describeViolation({ rule, from, to }) {
  return `${rule.name}: ${from} → ${to}\n    ${comments.get(rule.name)}`;
}

describe('layering', function () {
  this.timeout(60_000);

  it('is kept by services, mesh and bench', async () => {
    const { modules, violations } = await check(
      projectRoot,
      ['services', 'mesh', 'bench'].filter((folder) => existsSync(join(projectRoot, folder))),
    );
    assert.equal(violations.length, 0, `\n${violations.map(describeViolation).join('\n')}`);
    // dependency-cruiser says "no violations" also when it could read nothing.
    assert.ok(modules >= 20, `only ${modules} modules were cruised`);
  });

  const planted = {
    'kernel-stands-alone': ['services/shared/kernel/clock.ts', '../runtime/host.js'],
    'domain-is-pure': ['services/thread-command/domain/thread.ts', 'node:fs'],
    'runtime-knows-no-adapter': ['services/thread-command/runtime/host.ts', '../adapters/journal.js'],
    'adapters-know-no-main': ['services/thread-command/adapters/journal.ts', '../config.js'],
    'services-share-only-contracts': ['services/thread-command/runtime/host.ts', '../../thread-query/runtime/rows.js'],
    'shared-knows-no-context': ['services/shared/runtime/host.ts', '../../thread-events/thread-event.js'],
    'thread-events-is-a-language': ['services/thread-events/thread-event.ts', '../thread-query/runtime/rows.js'],
    'services-know-no-tooling': ['services/thread-query/main.ts', '../../mesh/local/mesh.js'],
    'nothing-shipped-imports-tests': ['services/thread-query/main.ts', '../shared/testing/servers.js'],
    'no-circle': ['services/thread-query/runtime/rows.ts', './rows.js'],
    resolvable: ['services/thread-query/main.ts', './nowhere.js'],
  };

  for (const [rule, [importer, imported]] of Object.entries(planted)) {
    it(`finds a planted breach of ${rule}`, async () => {
      const root = mkdtempSync(join(tmpdir(), 'threadweaver-layering-'));
      try {
        plant(root, importer, `import * as planted from '${imported}';\nexport const it = planted;\n`);
        if (imported.startsWith('.') && !imported.includes('nowhere') && rule !== 'no-circle') {
          plant(root, join(dirname(importer), imported.replace(/\.js$/, '.ts')), 'export const there = 1;\n');
        }
        const { violations } = await check(root, ['services']);
        assert.ok(
          violations.some((violation) => violation.rule.name === rule && violation.from === importer),
          `found only: ${violations.map(describeViolation).join('\n') || 'nothing'}`,
        );
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    });
  }
});

function plant(root, path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
