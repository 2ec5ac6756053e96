import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../platform/process/project-root.js';
import { isShipped, licencesDocument, lockedPackages } from './locked-packages.js';

const fileText = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

/** What asks for no more than to be named. */
const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'Unlicense',
  'Zlib',
];

describe('what comes from others', () => {
  it('is locked: package.json and package-lock.json ask for the same', () => {
    type Wanted = Readonly<Record<string, unknown>>;
    const wanted = JSON.parse(fileText('package.json')) as Wanted;
    const { packages } = JSON.parse(fileText('package-lock.json')) as { packages: Record<string, Wanted> };
    for (const kind of ['dependencies', 'optionalDependencies', 'devDependencies']) {
      assert.deepEqual(packages['']?.[kind], wanted[kind], kind);
    }
  });

  it('has a hash for each package, and comes from the registry that npm is set up for, not from a machine or a repository', () => {
    const all = lockedPackages();
    assert.ok(all.length > 200);
    for (const { path, integrity, resolved, link } of all) {
      assert.match(integrity ?? '', /^sha512-/, path);
      assert.equal(link, undefined, path);
      assert.equal(resolved, undefined, path);
    }
  });

  it('is installed as locked wherever it is, and runs no scripts of its own in images', () => {
    const files = ['Dockerfile', '.github/workflows/ci.yml', 'buildspec.yml', 'scripts/prepare/npm-packages.mjs'];
    for (const file of files) assert.doesNotMatch(fileText(file), /npm (install|i|update)\b(?! by hand|`)/, file);
    const installs = [...fileText('Dockerfile').matchAll(/^RUN npm .*$/gm)].map(([line]) => line);
    assert.ok(installs.length >= 2);
    for (const line of installs.filter((each) => each.includes('npm ci'))) assert.match(line, /--ignore-scripts/);
  });

  it('is checked by hash where it is a program: one for each of two machines', () => {
    const requirements = fileText('scripts/requirements.txt')
      .replaceAll(/\\\n\s*/g, '')
      .split('\n');
    const pins = requirements.filter((line) => line !== '' && !line.startsWith('#'));
    assert.ok(pins.length >= 5);
    for (const pin of pins)
      assert.match(pin, /^[\w-]+==\d[\w.]* --hash=sha256:[0-9a-f]{64} --hash=sha256:[0-9a-f]{64}$/);
    assert.match(fileText('scripts/prepare/python-tools.mjs'), /'--require-hashes'/);
  });

  it('is under licences that allow to ship it, as docs/licences.md says (else: npm run gen)', () => {
    for (const { path, license = '' } of lockedPackages().filter(isShipped)) {
      const parts = license.replaceAll(/[()]/g, '').split(/ AND /);
      const choices = parts.every((part) => part.split(' OR ').some((each) => PERMISSIVE.includes(each)));
      assert.ok(choices, `${path}: ${license}`);
    }
    assert.equal(fileText('docs/licences.md'), licencesDocument());
  });
});
