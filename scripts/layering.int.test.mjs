import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { projectRoot } from './prepare/project.mjs';

const { options, forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const fileRules = forbidden.filter(({ scope }) => scope !== 'folder');
// Tests may use what is above their folder, and would make circles of folders that are none.
const ofFolders = {
  rules: forbidden.filter(({ scope }) => scope === 'folder'),
  exclude: `${options.exclude.path}|\\.test\\.ts$|/test/|^platform/testing/`,
};
const comments = new Map(forbidden.map(({ name, comment }) => [name, comment]));

/** Cruises folders of a checkout and gives back how many modules there were, and what breaks a rule. */
async function check(baseDir, folders, { rules = fileRules, exclude = options.exclude.path } = {}) {
  const { output } = await cruise(
    folders,
    { ...options, exclude: { path: exclude }, baseDir, validate: true, ruleSet: { forbidden: rules } },
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

  it('is kept by all code', async () => {
    const { modules, violations } = await check(
      projectRoot,
      ['platform', 'services', 'mesh', 'load', 'e2e', 'bench'].filter((folder) =>
        existsSync(join(projectRoot, folder)),
      ),
    );
    assert.equal(violations.length, 0, `\n${violations.map(describeViolation).join('\n')}`);
    // dependency-cruiser says "no violations" also when it could read nothing.
    assert.ok(modules >= 20, `only ${modules} modules were cruised`);
  });

  it('has no circle of folders in what is shipped', async () => {
    const { violations } = await check(projectRoot, ['platform', 'services', 'mesh'], ofFolders);
    assert.equal(violations.length, 0, `\n${violations.map(describeViolation).join('\n')}`);
  });

  const planted = {
    'kernel-stands-alone': ['platform/kernel/clock.ts', '../commands/host.js'],
    'domain-is-pure': ['services/thread/command/domain/thread.ts', 'node:fs'],
    'ports-know-no-adapter': ['platform/commands/host.ts', '../nats/journal.js'],
    'adapters-know-no-composition': ['platform/nats/journal.ts', '../composition/settings.js'],
    'processes-know-no-admin': ['platform/composition/run.ts', '../admin/program.js'],
    'runtime-knows-no-adapter': ['services/thread/command/runtime/host.ts', '../adapters/journal.js'],
    'adapters-know-no-main': ['services/thread/command/adapters/journal.ts', '../config.js'],
    'processes-share-only-contracts': ['services/thread/command/runtime/host.ts', '../../query/runtime/rows.js'],
    'platform-knows-no-context': ['platform/commands/host.ts', '../../services/thread/events/thread-event.js'],
    'events-are-a-language': ['services/thread/events/thread-event.ts', '../query/runtime/rows.js'],
    'services-know-no-tooling': ['services/thread/query/main.ts', '../../../mesh/local/mesh.js'],
    'nothing-shipped-imports-tests': ['services/thread/query/main.ts', '../../../platform/testing/failure.js'],
    'no-circle': ['services/thread/query/runtime/rows.ts', './rows.js'],
    resolvable: ['services/thread/query/main.ts', './nowhere.js'],
  };

  it('finds a planted circle of folders', async () => {
    const root = mkdtempSync(join(tmpdir(), 'threadweaver-layering-'));
    try {
      plant(root, 'platform/nats/journal.ts', "import '../mysql/rows.js';\n");
      plant(root, 'platform/mysql/rows.ts', "import '../nats/link.js';\n");
      plant(root, 'platform/nats/link.ts', 'export const there = 1;\n');
      const { violations } = await check(root, ['platform'], ofFolders);
      assert.deepEqual(violations.map(({ from, to }) => `${from} → ${to}`).sort(), [
        'platform/mysql → platform/nats',
        'platform/nats → platform/mysql',
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  for (const [rule, [importer, imported]] of Object.entries(planted)) {
    it(`finds a planted breach of ${rule}`, async () => {
      const root = mkdtempSync(join(tmpdir(), 'threadweaver-layering-'));
      try {
        plant(root, importer, `import * as planted from '${imported}';\nexport const it = planted;\n`);
        if (imported.startsWith('.') && !imported.includes('nowhere') && rule !== 'no-circle') {
          plant(root, join(dirname(importer), imported.replace(/\.js$/, '.ts')), 'export const there = 1;\n');
        }
        const { violations } = await check(
          root,
          ['platform', 'services'].filter((folder) => existsSync(join(root, folder))),
        );
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
