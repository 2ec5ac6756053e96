import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { portSettings } from './mesh-settings.js';
import { resetData } from './reset-data.js';

/** Runs the entry point from its source, without a terminal. */
function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const main = join(projectRoot, 'mesh', 'local', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', main, ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, output: `${stdout}${stderr}` };
}

describe('npm start: its options', () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'threadweaver-main-'));
    mkdirSync(join(dataDir, 'nats'));
  });

  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('refuses to reset without a terminal to ask on, and touches nothing', () => {
    const { status, output } = run(['--reset'], { DATA_DIR: dataDir });
    assert.equal(status, 2);
    assert.match(output, /add --yes/);
    assert.deepEqual(readdirSync(dataDir), ['nats']);
  });

  it('empties the folder with --yes', async () => {
    assert.equal(await resetData(dataDir, true), 'EMPTIED');
    assert.deepEqual(readdirSync(dataDir), []);
  });

  it('does not empty a folder that holds what no mesh made', async () => {
    writeFileSync(join(dataDir, 'thesis.txt'), 'years of work');
    await assert.rejects(resetData(dataDir, true), /holds what no mesh made \(thesis\.txt\)/);
    assert.deepEqual(readdirSync(dataDir), ['nats', 'thesis.txt']);
  });

  it('lists every setting in --help', () => {
    const { status, output } = run(['--help'], {});
    assert.equal(status, 0);
    for (const { variable, port } of Object.values(portSettings))
      assert.match(output, new RegExp(`${variable} +${port}`));
  });

  it('says which option or setting it does not understand', () => {
    assert.match(run(['--rest'], {}).output, /Unknown option '--rest'/);
    const { status, output } = run([], { ENVOY_PORT: 'many', DATA_DIR: dataDir });
    assert.equal(status, 1);
    assert.match(output, /^\s*ENVOY_PORT is "many", must be a whole number/);
  });
});
